import { createHash } from 'node:crypto'
import { hostname } from 'node:os'
import { rankOf, type Severity } from './alert.js'
import type { Kind } from './due.js'
import type { Incident } from './incident.js'

/** One alert in a message. */
export interface NotifiedAlert {
  /** The same for the same problem, in every process and after every restart: what receivers deduplicate by. */
  key: string
  kind: Kind
  status: 'firing' | 'resolved'
  name: string
  severity: Severity
  /** Where the severity has changed. */
  previousSeverity?: Severity
  summary: string
  labels: Record<string, string>
  value?: number
  threshold?: number
  /** ISO 8601. */
  startsAt: string
  endsAt?: string
  durationMs: number
  runbookUrl?: string
  dashboardUrl?: string
  details?: Record<string, unknown>
}

/** A message, as a channel gets it. */
export interface Notification {
  /** The same for each attempt to deliver it. */
  id: string
  status: 'firing' | 'resolved'
  /** The highest of its alerts. */
  severity: Severity
  /** What it says, in a line. */
  title: string
  service: string
  release?: string
  host: string
  pid: number
  /** ISO 8601. */
  sentAt: string
  alerts: NotifiedAlert[]
  /** How many alerts were held back since the last message, for there were too many. */
  suppressed: number
  /** By `app.alerts.test()`. */
  isTest?: true
}

export interface Sender {
  service: string
  release: string | undefined
}

/** What is told of one incident. */
export interface Item {
  incident: Incident
  kind: Kind
  /** What it was when the message was made: it may change while that is on its way. */
  severity: Severity
}

/** A message of these incidents, which all begin or all are over. */
export function notificationOf(channel: string, items: Item[], sender: Sender, nowMs: number): Notification {
  const alerts = items
    .map((item) => alertOf(channel, item, nowMs))
    .sort((a, b) => rankOf(b.severity) - rankOf(a.severity))
  const status = alerts[0]?.status ?? 'firing'
  const severity = alerts[0]?.severity ?? 'info'
  return {
    ...frame(sender, nowMs),
    id: idOf(channel, items),
    status,
    severity,
    title: titleOf(alerts),
    alerts,
    suppressed: 0,
  }
}

/** Says that alerts were held back. */
export function suppressionOf(
  channel: string,
  suppressed: number,
  severity: Severity,
  names: string[],
  sender: Sender,
  nowMs: number,
): Notification {
  const some = `${names.slice(0, 10).join(', ')}${names.length > 10 ? ', …' : ''}`
  const title = `${suppressed} suppressed: more alerts than the limit of a minute (${some})`
  const id = digest([channel, 'suppressed', sender.service, nowMs])
  return { ...frame(sender, nowMs), id, status: 'firing', severity, title, alerts: [], suppressed }
}

/** Says that it is a test. */
export function testOf(sender: Sender, nowMs: number): Notification {
  const title = `test: ${sender.service} can be heard`
  const id = digest(['test', sender.service, nowMs])
  return {
    ...frame(sender, nowMs),
    id,
    status: 'firing',
    severity: 'info',
    title,
    alerts: [],
    suppressed: 0,
    isTest: true,
  }
}

function frame({ service, release }: Sender, nowMs: number) {
  const sentAt = new Date(nowMs).toISOString()
  return { service, ...(release !== undefined && { release }), host: hostname(), pid: process.pid, sentAt }
}

function alertOf(channel: string, { incident, kind }: Item, nowMs: number): NotifiedAlert {
  const { key, alert, startsAtMs, endsAtMs, told } = incident
  const { rule: _rule, repeatMs: _repeatMs, ...fields } = alert
  const isOver = isEnd(kind)
  const previousSeverity = kind === 'update' ? told[channel]?.severity : undefined
  return {
    key,
    kind,
    status: isOver ? 'resolved' : 'firing',
    ...fields,
    ...(previousSeverity && { previousSeverity }),
    startsAt: new Date(startsAtMs).toISOString(),
    ...(isOver && endsAtMs !== undefined && { endsAt: new Date(endsAtMs).toISOString() }),
    durationMs: ((isOver ? endsAtMs : undefined) ?? nowMs) - startsAtMs,
  }
}

/** Whether it tells that something is over. */
export function isEnd(kind: Kind): boolean {
  return kind === 'resolve' || kind === 'over'
}

/** One alert in a line. */
export function lineOf({ kind, severity, previousSeverity, summary, durationMs }: NotifiedAlert): string {
  if (kind === 'over') return `was down ${spanOf(durationMs)}: ${summary}`
  if (kind === 'resolve') return `resolved after ${spanOf(durationMs)}: ${summary}`
  if (kind === 'update') return `${severity}, was ${previousSeverity}: ${summary}`
  if (kind === 'repeat') return `${severity}, for ${spanOf(durationMs)}: ${summary}`
  return `${severity}: ${summary}`
}

function titleOf(alerts: NotifiedAlert[]): string {
  if (alerts.length === 1) return lineOf(alerts[0]!)
  const names = [...new Set(alerts.map(({ name }) => name))]
  const some = `${names.slice(0, 5).join(', ')}${names.length > 5 ? ', …' : ''}`
  return `${alerts.length} alerts ${alerts[0]?.status === 'resolved' ? 'over' : 'firing'}: ${some}`
}

/** 90 s, 4 min, 3 h or 2 d. */
export function spanOf(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000))
  if (seconds < 120) return `${seconds} s`
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min`
  return seconds < 172_800 ? `${Math.round(seconds / 3_600)} h` : `${Math.round(seconds / 86_400)} d`
}

/** From what is told alone: an attempt after a restart, or by another process, has the same. */
function idOf(channel: string, items: Item[]): string {
  const parts = items.map(({ incident: { key, startsAtMs, told, alert, endsAtMs }, kind }) =>
    [key, startsAtMs, kind, alert.severity, isEnd(kind) && endsAtMs, told[channel]?.atMs].join('|'),
  )
  return digest([channel, ...parts.sort()])
}

function digest(parts: unknown[]): string {
  return `msg_${createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 32)}`
}
