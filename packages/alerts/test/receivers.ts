import { randomUUID } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type Received, runFolder } from '@steadfast/testing'
import type { FastifyInstance } from 'fastify'
import type { Test } from 'tap'
import alerts, { type AlertInput, type AlertsOptions, type Channel, type Notification } from '../src/index.js'
import { Fastify } from './fastify.js'

export const secret: string = `whsec_${Buffer.from('a secret of thirty-two bytes, ok').toString('base64')}`

/** What a webhook has got. */
export function bodyOf({ body }: Received): Notification {
  return JSON.parse(body).data
}

export const down: AlertInput = { name: 'db', severity: 'critical', summary: 'the database is down' }

/** A channel that keeps what it is told. */
export class Memory implements Channel {
  readonly name: string
  readonly told: Notification[] = []

  constructor(name: string, more: Partial<Channel> = {}) {
    this.name = name
    Object.assign(this, more)
  }

  send(notification: Notification, _signal: AbortSignal): unknown {
    this.told.push(notification)
    return undefined
  }
}

export function remembering(name = 'memory', more: Partial<Channel> = {}): Memory {
  return new Memory(name, more)
}

export async function newFolder(): Promise<string> {
  const folder = join(await runFolder(), `alerts-${randomUUID()}`)
  await mkdir(folder, { recursive: true })
  return folder
}

/** An app that closes with the test, and whose waits are short. */
export async function startApp(
  t: Test,
  options: Partial<AlertsOptions> & Pick<AlertsOptions, 'channels'>,
  lines: string[] = [],
  declare: (app: FastifyInstance) => void = () => {},
): Promise<FastifyInstance> {
  const stream = { write: (line: string) => void lines.push(line) }
  const app = Fastify({ logger: { stream } })
  t.teardown(() => app.close())
  await app.register(alerts, { service: 'app', groupMs: 20, settleMs: 50, flushMs: 200, ...options })
  declare(app)
  await app.ready()
  return app
}
