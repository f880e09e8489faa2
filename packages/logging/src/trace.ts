import type { IncomingMessage } from 'node:http'

/** What is called of the API of OpenTelemetry, which registers itself for all of a process. */
interface OpenTelemetry {
  context?: { active(): { getValue(key: symbol): { spanContext(): { traceId: string } } | undefined } }
}

const api = Symbol.for('opentelemetry.js.api.1')
const span = Symbol.for('OpenTelemetry Context Key SPAN')

/** Version, trace id, parent id, flags (https://www.w3.org/TR/trace-context/#traceparent-header). An id of zeros is none. */
const traceparent = /^(?!ff)[\da-f]{2}-(?!0{32})([\da-f]{32})-(?!0{16})[\da-f]{16}-[\da-f]{2}/

/** The trace that a request belongs to: that of the active span, or of its header. */
export function traceIdOf({ headers }: IncomingMessage): string | undefined {
  const telemetry = (globalThis as { [api]?: OpenTelemetry })[api]
  const active = telemetry?.context?.active().getValue(span)?.spanContext().traceId
  if (active !== undefined) return active
  const { traceparent: header } = headers
  return typeof header === 'string' ? traceparent.exec(header)?.[1] : undefined
}
