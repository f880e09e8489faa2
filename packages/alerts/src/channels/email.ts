import { DeliveryError, NodemailerError } from '../errors.js'
import * as given from '../given.js'
import { type Channel, type ChannelOptions, failure, resolveCommon } from './channel.js'
import { mailOf } from './mail.js'

/** What is called of a transport of nodemailer. */
export interface TransportLike {
  sendMail(message: object): Promise<unknown>
  close?(): void
}

export interface EmailOptions extends ChannelOptions {
  /** A URL, as `smtps://user:password@smtp.example.com`, or nodemailer's SMTP options. SES and SendGrid speak it too. */
  smtp?: string | object
  /** Instead of `smtp`: a transport of nodemailer that you have made. */
  transport?: TransportLike
  from: string
  to: string | readonly string[]
}

const keys = ['name', 'minSeverity', 'deadlineMs', 'smtp', 'transport', 'from', 'to']

/** What stands in a header may not begin another. */
const address: given.Rule = {
  must: 'an address, as "Alerts <alerts@example.com>", without line breaks',
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is refused
  test: (value) => typeof value === 'string' && /^[^\x00-\x1f\x7f]*[^\s@]+@[^\s@]+$/.test(value),
}

/**
 * Mail, by SMTP: needs the package nodemailer.
 * @throws ERR_ALERTS_OPTION
 * @throws ERR_ALERTS_UNKNOWN_OPTION
 */
export function email(options: EmailOptions): Channel {
  given.takeObject('email()', options, keys, 'email')
  const from = given.need('email.from', options.from, address)
  const to = [options.to].flat()
  if (to.length === 0) given.fail('email.to', address.must, options.to)
  for (const each of to) given.need('email.to', each, address)
  if ((options.smtp === undefined) === (options.transport === undefined))
    given.fail('email', 'given one of smtp and transport', '…')
  const common = resolveCommon('email', options, 'email')
  let transport = options.transport
  return {
    ...common,
    secrets: secretsOf(options.smtp),
    async start() {
      transport ??= await makeTransport(options.smtp!, common.deadlineMs)
    },
    async send(notification) {
      try {
        await transport!.sendMail(mailOf(notification, from, to))
      } catch (error) {
        const { responseCode, code } = error as { responseCode?: number; code?: string }
        // RFC 5321, 4.2.1: 5yz is for good. What the server says to it may have anything in it.
        const isFinal = responseCode !== undefined && responseCode >= 500
        throw failure(new DeliveryError(`mail: ${responseCode ?? 'no answer'} (${code ?? 'unknown'})`), { isFinal })
      }
    },
    close: () => options.transport === undefined && transport?.close?.(),
  }
}

interface Nodemailer {
  createTransport(options: object): TransportLike
}

async function makeTransport(smtp: string | object, deadlineMs: number): Promise<TransportLike> {
  const times = { connectionTimeout: deadlineMs, greetingTimeout: deadlineMs, socketTimeout: deadlineMs }
  const { createTransport } = await loadNodemailer()
  return createTransport({ ...times, ...(typeof smtp === 'string' ? { url: smtp } : smtp) })
}

async function loadNodemailer(): Promise<Nodemailer> {
  try {
    const loaded = (await import('nodemailer')) as unknown as Nodemailer & { default?: Nodemailer }
    return loaded.default ?? loaded
  } catch (error) {
    throw new NodemailerError((error as Error).message)
  }
}

function secretsOf(smtp: string | object | undefined): string[] {
  if (typeof smtp === 'string') {
    const password = URL.canParse(smtp) ? new URL(smtp).password : ''
    return [smtp, password, decodeURIComponent(password)]
  }
  const { auth } = (smtp ?? {}) as { auth?: { pass?: unknown } }
  return typeof auth?.pass === 'string' ? [auth.pass] : []
}
