import type { ServerResponse } from 'node:http'

const eventStream = 'text/event-stream'

/** Whether this is an answer of server-sent events that has begun and not ended. */
export function isEventStream(response: ServerResponse): boolean {
  if (!response.headersSent || response.writableEnded) return false
  return headerOf(response, 'content-type').includes(eventStream)
}

type Sent = ServerResponse & { _header?: string | null; stream?: { sentHeaders?: Record<string, unknown> } }

/** A header of an answer that has begun, or '' if it has none of the name. */
function headerOf(response: ServerResponse, name: string): string {
  const value = response.getHeader(name)
  if (value !== undefined) return String(value)
  // Headers that were handed to writeHead() alone are kept as text, and by HTTP/2 as they went out.
  const { _header: text, stream } = response as Sent
  if (stream) return String(stream.sentHeaders?.[name] ?? '')
  return new RegExp(`^${name}: *(.*)$`, 'im').exec(text ?? '')?.[1] ?? ''
}

/** Ends it, with the time after which its client comes back, spread so that not all come at once. */
export function endEventStream(response: ServerResponse): void {
  const retryMs = 1_000 + Math.floor(Math.random() * 2_000)
  // Into a compressed stream nothing can be written past who compresses it.
  if (headerOf(response, 'content-encoding')) response.end()
  else response.end(`\nretry: ${retryMs}\n\n`)
  // Who writes to it has not heard yet that it has ended: that is no error, for which HTTP/2 would reset the stream.
  response.write = () => false
}
