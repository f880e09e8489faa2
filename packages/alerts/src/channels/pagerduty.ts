import * as given from '../given.js'
import { targetOf } from '../http/addresses.js'
import { post } from '../http/post.js'
import { lineOf, type Notification, type NotifiedAlert } from '../notification.js'
import { type Channel, type ChannelOptions, resolveCommon } from './channel.js'
import { clip } from './clip.js'

export interface PagerDutyOptions extends ChannelOptions {
  /** Of an Events API v2 integration. */
  routingKey: string
  /** Default `https://events.pagerduty.com/v2/enqueue`; Europe has `https://events.eu.pagerduty.com/v2/enqueue`. */
  url?: string
  /** Default false. */
  allowPrivate?: boolean
}

const keys = ['name', 'minSeverity', 'deadlineMs', 'routingKey', 'url', 'allowPrivate']

/** https://developer.pagerduty.com/docs/send-alert-event */
const mostSummary = 1_024
const mostEventBytes = 524_288

/**
 * PagerDuty's Events API v2: an incident for each problem, one event a message.
 * @throws ERR_ALERTS_OPTION
 * @throws ERR_ALERTS_UNKNOWN_OPTION
 * @throws ERR_ALERTS_PRIVATE_ADDRESS
 */
export function pagerduty(options: PagerDutyOptions): Channel {
  given.takeObject('pagerduty()', options, keys, 'pagerduty')
  const routingKey = given.takeSecret('pagerduty.routingKey', options.routingKey, given.text)
  const url = given.take('pagerduty.url', options.url, given.webAddress, 'https://events.pagerduty.com/v2/enqueue')
  const allowPrivate = given.take('pagerduty.allowPrivate', options.allowPrivate, given.flag, false)
  const target = targetOf(new URL(url), allowPrivate)
  return {
    ...resolveCommon('pagerduty', options, 'pagerduty'),
    batch: 1,
    secrets: [routingKey],
    async send(notification, signal) {
      const [alert] = notification.alerts
      const enqueue = (event: object) => post(target, fitted({ routing_key: routingKey, ...event }), signal)
      if (!alert) return enqueue(eventOfNone(notification))
      // It shows what is over as an incident alone; one of no urgency, for there is nobody to wake any more.
      if (alert.kind === 'over') await enqueue(eventOf(notification, { ...alert, severity: 'info' }, 'trigger'))
      return enqueue(eventOf(notification, alert, alert.status === 'resolved' ? 'resolve' : 'trigger'))
    },
  }
}

/** "acknowledge" is not for us: it means that a person has taken it. */
function eventOf(notification: Notification, alert: NotifiedAlert, action: 'trigger' | 'resolve'): object {
  const { service, release, host, pid } = notification
  const { name, severity, startsAt, endsAt, durationMs, labels, value, threshold, details } = alert
  return {
    event_action: action,
    dedup_key: alert.key,
    payload: {
      summary: clip(lineOf(alert), mostSummary),
      source: host,
      severity,
      timestamp: startsAt,
      component: service,
      class: name,
      custom_details: { ...details, service, release, pid, labels, value, threshold, startsAt, endsAt, durationMs },
    },
    client: service,
    ...(alert.dashboardUrl && { client_url: alert.dashboardUrl }),
    ...(alert.runbookUrl && { links: [{ href: alert.runbookUrl, text: 'Runbook' }] }),
  }
}

function eventOfNone({ id, isTest, service, host, title, severity }: Notification): object {
  return {
    event_action: 'trigger',
    dedup_key: clip(isTest ? `${service}/test` : `${service}/suppressed/${id}`, 255),
    payload: { summary: clip(title, mostSummary), source: host, severity, component: service },
  }
}

/** What goes first, if it is too much, are the details. */
function fitted(event: { payload?: object; routing_key?: string }): string {
  const text = JSON.stringify(event)
  if (Buffer.byteLength(text) <= mostEventBytes) return text
  return JSON.stringify({
    ...event,
    payload: { ...event.payload, custom_details: { trimmed: 'the event was too large' } },
  })
}
