import { createHmac } from 'node:crypto'
import * as given from '../given.js'
import { targetOf } from '../http/addresses.js'
import { post } from '../http/post.js'
import { type Channel, type ChannelOptions, resolveCommon } from './channel.js'

export interface WebhookOptions extends ChannelOptions {
  url: string
  /** `whsec_` and base64 of 24 to 64 bytes; several while they are changed, of which the receiver knows one. */
  secret: string | readonly string[]
  /** Whether the target may have a private address, as 10.0.0.1 or localhost. Default false. */
  allowPrivate?: boolean
}

const keys = ['name', 'minSeverity', 'deadlineMs', 'url', 'secret', 'allowPrivate']

const secretRule: given.Rule = {
  must: 'whsec_ and the base64 of 24 to 64 bytes, or a list of these',
  test: (value) => [value].flat().length > 0 && [value].flat().every((each) => keyOf(each) !== undefined),
}

/**
 * A webhook, signed as Standard Webhooks has it (https://github.com/standard-webhooks/standard-webhooks).
 * @throws ERR_ALERTS_OPTION
 * @throws ERR_ALERTS_UNKNOWN_OPTION
 * @throws ERR_ALERTS_PRIVATE_ADDRESS
 */
export function webhook(options: WebhookOptions): Channel {
  given.takeObject('webhook()', options, keys, 'webhook')
  const url = new URL(given.takeSecret('webhook.url', options.url, given.webAddress))
  const secrets = [given.takeSecret('webhook.secret', options.secret as string, secretRule) as string | string[]].flat()
  const allowPrivate = given.take('webhook.allowPrivate', options.allowPrivate, given.flag, false)
  const target = targetOf(url, allowPrivate)
  const hmacKeys = secrets.map((secret) => keyOf(secret)!)
  return {
    ...resolveCommon('webhook', options, 'webhook'),
    secrets: [
      url.href,
      options.url,
      url.password,
      `${url.pathname}${url.search}`,
      ...secrets,
      ...secrets.map((s) => s.slice(6)),
    ],
    send(notification, signal) {
      const type = notification.isTest ? 'alerts.test' : `alerts.${notification.status}`
      const body = JSON.stringify({ type, timestamp: notification.sentAt, data: notification })
      const timestamp = `${Math.floor(Date.now() / 1_000)}` // of this attempt
      const sign = (key: Buffer) =>
        `v1,${createHmac('sha256', key).update(`${notification.id}.${timestamp}.${body}`).digest('base64')}`
      return post(target, body, signal, {
        'webhook-id': notification.id,
        'webhook-timestamp': timestamp,
        'webhook-signature': hmacKeys.map(sign).join(' '),
      })
    },
  }
}

function keyOf(secret: unknown): Buffer | undefined {
  if (typeof secret !== 'string' || !/^whsec_[\w+/-]+=*$/.test(secret)) return undefined
  const key = Buffer.from(secret.slice(6), 'base64')
  return key.length >= 24 && key.length <= 64 ? key : undefined
}
