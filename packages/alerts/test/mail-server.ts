import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { waitFor } from '@steadfast/testing'
import { SMTPServer } from 'smtp-server'
import type { Test } from 'tap'

export interface MailServer {
  /** With a user and a password. */
  url: string
  received: { raw: string; to: string[] }[]
  whenReceived(count: number): Promise<void>
}

/** A real SMTP server, which refuses the first recipients with these codes. */
export async function startMailServer(t: Test, refusals: number[] = []): Promise<MailServer> {
  const received: MailServer['received'] = []
  const server = new SMTPServer({
    disabledCommands: ['STARTTLS'],
    authOptional: true,
    onAuth: ({ username }, _session, callback) => callback(null, { user: username }),
    onRcptTo(_address, _session, callback) {
      const responseCode = refusals.shift()
      if (responseCode === undefined) callback()
      else callback(Object.assign(new Error('not here'), { responseCode }))
    },
    onData(stream, { envelope }, callback) {
      let raw = ''
      stream.setEncoding('utf8')
      stream.on('data', (text: string) => {
        raw += text
      })
      stream.on('end', () => {
        received.push({ raw, to: envelope.rcptTo.map(({ address }) => address) })
        callback()
      })
    },
  })
  server.on('error', () => {})
  server.listen(0, '127.0.0.1')
  await once(server.server, 'listening')
  t.teardown(() => new Promise<void>((resolve) => server.close(() => resolve())))
  return {
    url: `smtp://user:p%40ssw0rd-hidden@127.0.0.1:${(server.server.address() as AddressInfo).port}`,
    received,
    async whenReceived(count) {
      await waitFor(() => received.length >= count)
    },
  }
}
