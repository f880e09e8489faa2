import http, { type IncomingMessage, type RequestOptions } from 'node:http'
import https from 'node:https'
import { failure } from '../channels/channel.js'
import { DeliveryError } from '../errors.js'
import { publicLookup, type Target } from './addresses.js'
import { retryAfterOf } from './retry-after.js'

export interface Answer {
  status: number
  body: string
  retryAfterMs: number | undefined
}

const mostBody = 2_000
/** What is in the message is not taken, or is too much: RFC 9110, 15.5.1, 15.5.14 and 15.5.21. */
const partial = [400, 413, 422]

/**
 * One request on a connection of its own. Redirects are not followed: they are an answer as any other.
 * @throws ERR_ALERTS_PRIVATE_ADDRESS
 * @throws ERR_ALERTS_DELIVERY without the address of the target, which may be a secret
 */
export function request(
  { url, allowPrivate }: Target,
  { method, headers = {}, body = '', signal }: { method: string; headers?: object; body?: string; signal: AbortSignal },
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const bytes = Buffer.from(body)
    const options: RequestOptions = {
      method,
      agent: false,
      headers: { 'user-agent': 'steadfast-alerts', ...(body && { 'content-length': bytes.length }), ...headers },
      signal,
      ...(!allowPrivate && { lookup: publicLookup }),
    }
    const failed = (error: NodeJS.ErrnoException) => {
      if (signal.aborted) reject(signal.reason)
      else if (error.code === 'ERR_ALERTS_PRIVATE_ADDRESS') reject(error)
      else reject(new DeliveryError(`no connection, or it was lost (${error.code ?? error.name})`))
    }
    const call = (url.protocol === 'https:' ? https : http).request(url, options, (response) => {
      read(response).then((text) => {
        const retryAfterMs = retryAfterOf(response.headers['retry-after'], Date.now())
        resolve({ status: response.statusCode!, body: text, retryAfterMs })
      }, failed)
    })
    call.on('error', failed)
    call.end(bytes)
  })
}

/**
 * As `request`, where the answer must be 2xx.
 * @throws what says whether to try again: 408, 429 and 5xx are, any other is final
 */
export async function post(
  target: Target,
  body: string,
  signal: AbortSignal,
  headers: Record<string, string> = {},
): Promise<void> {
  const all = { 'content-type': 'application/json', ...headers }
  const { status, body: text, retryAfterMs } = await request(target, { method: 'POST', headers: all, body, signal })
  if (status >= 200 && status < 300) return
  const error = new DeliveryError(`answered ${status}${text.trim() && `: ${text.trim()}`}`)
  if (status === 408 || status === 429 || status >= 500) {
    throw failure(error, retryAfterMs === undefined ? {} : { retryAfterMs })
  }
  throw failure(error, { isFinal: true, isPart: partial.includes(status), isGone: status === 410 })
}

async function read(response: IncomingMessage): Promise<string> {
  let text = ''
  response.setEncoding('utf8')
  for await (const chunk of response) {
    text += chunk
    if (text.length > mostBody) break // which ends the connection
  }
  return text.slice(0, mostBody)
}
