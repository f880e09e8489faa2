import type { Severity } from '../alert.js'
import * as given from '../given.js'
import { targetOf } from '../http/addresses.js'
import { post } from '../http/post.js'
import { lineOf, type Notification, type NotifiedAlert } from '../notification.js'
import { type Channel, type ChannelOptions, resolveCommon } from './channel.js'
import { clip } from './clip.js'

export interface SlackOptions extends ChannelOptions {
  /** Of an incoming webhook. It is a secret: who knows it can post. */
  url: string
  /** Default false. */
  allowPrivate?: boolean
}

const keys = ['name', 'minSeverity', 'deadlineMs', 'url', 'allowPrivate']

/** https://docs.slack.dev/reference/block-kit/blocks/section-block and /messaging/formatting-message-text */
const mostSection = 3_000
const mostText = 3_900
const mostSections = 10
/** A webhook takes about one message a second. */
const paceMs = 1_000

const colors: Record<Severity | 'over', string> = {
  critical: '#b00020',
  error: '#e8590c',
  warning: '#f2c037',
  info: '#3b82c4',
  over: '#2e9e44',
}

/**
 * An incoming webhook of Slack, or of what speaks as it does.
 * @throws ERR_ALERTS_OPTION
 * @throws ERR_ALERTS_UNKNOWN_OPTION
 * @throws ERR_ALERTS_PRIVATE_ADDRESS
 */
export function slack(options: SlackOptions): Channel {
  given.takeObject('slack()', options, keys, 'slack')
  const url = new URL(given.takeSecret('slack.url', options.url, given.webAddress))
  const allowPrivate = given.take('slack.allowPrivate', options.allowPrivate, given.flag, false)
  const target = targetOf(url, allowPrivate)
  return {
    ...resolveCommon('slack', options, 'slack'),
    paceMs,
    secrets: [url.href, `${url.pathname}${url.search}`, options.url],
    send: (notification, signal) => post(target, JSON.stringify(messageOf(notification)), signal),
  }
}

function messageOf(notification: Notification): object {
  const { title, status, severity, alerts, service, release, host, pid } = notification
  const lines = alerts.length === 1 ? factsOf(alerts[0]!) : alerts.map((alert) => `• ${escaped(lineOf(alert), 500)}`)
  const since = alerts.length === 1 ? `since ${alerts[0]!.startsAt}` : undefined
  const from = [service, release, host, `process ${pid}`, since].filter((text) => text !== undefined).join(' · ')
  const text = escaped(title, mostText)
  const blocks = [escaped(title, mostSection), ...sectionsOf(lines)].map((section) => ({
    type: 'section',
    text: { type: 'mrkdwn', text: section },
  }))
  const context = { type: 'context', elements: [{ type: 'mrkdwn', text: escaped(from, 500) }] }
  const color = colors[status === 'resolved' ? 'over' : severity]
  return { text, attachments: [{ color, fallback: text, blocks: [...blocks, context] }] }
}

function factsOf({ labels, value, threshold, runbookUrl, dashboardUrl }: NotifiedAlert): string[] {
  const facts: [name: string, fact: unknown][] = [...Object.entries(labels), ['value', value], ['threshold', threshold]]
  return [
    ...facts.filter(([, fact]) => fact !== undefined).map(([name, fact]) => escaped(`${name}: ${fact}`, 500)),
    ...[runbookUrl, dashboardUrl].flatMap((url) => (url === undefined ? [] : [escaped(url, 2_900)])),
  ]
}

/** As many lines to a section as it may hold; those that don't fit in are counted. */
function sectionsOf(lines: string[]): string[] {
  const sections: string[] = []
  let section = ''
  for (const [index, line] of lines.entries()) {
    if (section.length + line.length + 1 > mostSection) {
      sections.push(section)
      section = ''
      if (sections.length === mostSections) return [...sections, `… and ${lines.length - index} more`]
    }
    section += section ? `\n${line}` : line
  }
  return section ? [...sections, section] : sections
}

/** The three characters that mean something, and no more than fits: an entity is never cut. */
function escaped(text: string, most: number): string {
  const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' }
  const whole = text.replace(/[&<>]/g, (character) => entities[character]!)
  if (whole.length <= most) return whole
  return clip(whole, most).replace(/&[a-z]{0,3}…$/, '…')
}
