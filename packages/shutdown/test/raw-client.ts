import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'

/** A connection of which a test sees every byte. */
export interface RawClient {
  readonly socket: Socket
  send(text: string): void
  /** What came, so far. */
  received(): string
  /** Resolves with how it ended: 'end' as it should, or the code of an error. */
  readonly closed: Promise<string>
}

export const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`

/** Connects to `host:port`. */
export async function rawClient(address: string, { isTls = false }: { isTls?: boolean } = {}): Promise<RawClient> {
  const [host = '', port] = address.split(':')
  const to = { host, port: Number(port) }
  const socket = isTls ? connectTls({ ...to, rejectUnauthorized: false }) : connect(to)
  let text = ''
  let how = 'end'
  socket.setEncoding('utf8').on('data', (part: string) => {
    text += part
  })
  socket.on('error', (error: NodeJS.ErrnoException) => {
    how = error.code ?? error.message
  })
  const closed = once(socket, 'close').then(() => how)
  await once(socket, isTls ? 'secureConnect' : 'connect')
  return { socket, send: (part) => void socket.write(part), received: () => text, closed }
}
