import type { ServerResponse } from 'node:http'
import type { Gate, ProbeRequest } from './access.js'
import { MethodError, UnauthorizedError } from './errors.js'
import type { HealthMonitor } from './monitor.js'
import type { CheckStatus, HealthStatus } from './status.js'
import type { Status } from './verdict.js'

/** What can be asked: alive? ready for traffic? started? and everything that is known. */
export type Probe = 'live' | 'ready' | 'startup' | 'details'

export interface Answer {
  code: number
  headers: Record<string, string>
  body: Buffer
}

const json = 'application/json; charset=utf-8'
const healthJson = 'application/health+json'

const answer = (code: number, body: object, type = healthJson, headers?: Record<string, string>): Answer => ({
  code,
  headers: { 'content-type': type, 'cache-control': 'no-store', ...headers },
  body: Buffer.from(JSON.stringify(body)),
})

const refusal = (Refusal: typeof MethodError, error: string, headers: Record<string, string>): Answer => {
  const { statusCode = 500, code, message } = new Refusal()
  return answer(statusCode, { statusCode, code, error, message }, json, headers)
}

const codes: Record<Status, number> = { pass: 200, warn: 200, fail: 503 }

const plain: Record<Status, Answer> = {
  pass: answer(codes.pass, { status: 'pass' }),
  warn: answer(codes.warn, { status: 'warn' }),
  fail: answer(codes.fail, { status: 'fail' }),
}

const notAllowed = refusal(MethodError, 'Method Not Allowed', { allow: 'GET, HEAD' })
const unauthorized = refusal(UnauthorizedError, 'Unauthorized', { 'www-authenticate': 'Bearer error="invalid_token"' })

/** Answers from what is known already. */
export function answerTo(probe: Probe, monitor: HealthMonitor, request: ProbeRequest, gate: Gate): Answer {
  const { method } = request.raw
  if (method !== 'GET' && method !== 'HEAD') return notAllowed
  if (probe === 'live') return plain.pass
  if (probe === 'startup') return plain[monitor.isStarted ? 'pass' : 'fail']
  if (probe === 'ready') return plain[monitor.readiness]
  const may = gate(request)
  if (may === 'refused') return unauthorized
  if (may === 'status') return plain[monitor.readiness]
  const known = monitor.status()
  return answer(codes[known.status], details(known))
}

/** Writes it past everything that wraps the response. */
export function sendTo(raw: ServerResponse, { code, headers, body }: Answer, method: string | undefined): void {
  raw.writeHead(code, { ...headers, 'content-length': body.length })
  // HTTP/2 takes no body here, where HTTP/1 leaves it out itself.
  if (method === 'HEAD') raw.end()
  else raw.end(body)
}

/** In the format of draft-inadarei-api-health-check-06, with a few members of our own, which it allows. */
function details({ status, state, isStarted, checks }: HealthStatus): object {
  const entry = ({ status, output, observedValue, observedUnit, time, ...own }: CheckStatus) => [
    { observedValue, observedUnit, status, time, output, ...own },
  ]
  return {
    status,
    ...(status === 'fail' && state !== 'ready' && { output: `the app is ${state}` }),
    state,
    isStarted,
    checks: Object.fromEntries(Object.entries(checks).map(([name, check]) => [name, entry(check)])),
  }
}
