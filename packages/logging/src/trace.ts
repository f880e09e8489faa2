import type { IncomingMessage } from 'node:http'

/** What is called of the API of OpenTelemetry, which registers itself for all of a process. */
interface OpenTelemetry {
  context?: { active(): { getValue(key: symbol): { spanContext(): { traceId: string } } | undefined } }
}

const api = Symbol.for('opentelemetry.js.api.1')
const span = Symbol.for('OpenTelemetry Context Key SPAN')

/** Version, trace id, parent id, flags (https://www.w3.org/TR/trace-context/#traceparent-header). An id of zeros is none. */
const traceparent = /^(?!ff)[\da-f]{2}-(?!0{32})([\da-f]{32})-(?!0{16})[\da-f]{16}-[\da-f]{2}/

/** Of a trace: 32 hexadecimal digits, not all of them 0 (https://opentelemetry.io/docs/specs/otel/trace/api/#spancontext). */
const traceId = /^(?!0{32})[\da-f]{32}$/

/** Of the span of OpenTelemetry that is active now. */
export function activeTraceId(): string | undefined {
  const telemetry = (globalThis as { [api]?: OpenTelemetry })[api]
  if (telemetry === undefined) return undefined
  const id = telemetry.context?.active().getValue(span)?.spanContext().traceId
  return id !== undefined && traceId.test(id) ? id : undefined
}

/** The trace that a request belongs to: of the span that was active when it came, or is now, or of its header. */
export function traceIdOf(request: {
  raw: IncomingMessage | undefined
  activeTraceId: string | undefined
}): string | undefined {
  const active = request.activeTraceId ?? activeTraceId()
  if (active !== undefined) return active
  const header = request.raw?.headers.traceparent
  return typeof header === 'string' ? traceparent.exec(header)?.[1] : undefined
}
