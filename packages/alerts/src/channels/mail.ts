import { lineOf, type Notification, type NotifiedAlert } from '../notification.js'
import { clip } from './clip.js'

/** RFC 5322, 2.1.1 allows 998 characters a line; no mail program shows more than this of a subject. */
const mostSubject = 200

/** A message for nodemailer: text alone, so that nothing need be escaped in it. */
export function mailOf(notification: Notification, from: string, to: readonly string[]): object {
  const { id, title, service, release, host, pid, sentAt, alerts } = notification
  const about = [
    `service: ${service}`,
    release && `release: ${release}`,
    `host: ${host}`,
    `process: ${pid}`,
    `sent: ${sentAt}`,
  ]
  const body = [title, ...alerts.map(partOf), about.filter(Boolean).join('\n')].join('\n\n')
  const { domain, thread } = threadOf(notification)
  return {
    from,
    to: [...to],
    subject: clip(plain(`[${service}] ${title}`), mostSubject),
    text: body,
    messageId: `<${id}@${domain}>`,
    // Mail programs show the end of an incident with its beginning.
    ...(thread && { inReplyTo: thread, references: thread }),
    headers: { 'auto-submitted': 'auto-generated', 'x-priority': notification.severity === 'critical' ? '1' : '3' },
  }
}

function partOf(alert: NotifiedAlert): string {
  const { name, labels, value, threshold, startsAt, endsAt, runbookUrl, dashboardUrl, details } = alert
  const facts = {
    name,
    ...labels,
    value,
    threshold,
    from: startsAt,
    to: endsAt,
    runbook: runbookUrl,
    dashboard: dashboardUrl,
  }
  const lines = Object.entries(facts).flatMap(([key, fact]) =>
    fact === undefined ? [] : [`  ${plain(`${key}: ${fact}`)}`],
  )
  return [lineOf(alert), ...lines, ...(details ? [`  details: ${JSON.stringify(details)}`] : [])].join('\n')
}

function threadOf({ alerts, service }: Notification): { domain: string; thread: string | undefined } {
  const domain = `${service.replace(/[^\w.-]/g, '_')}.alerts.invalid` // RFC 6761: nobody's
  const [alert] = alerts
  if (alerts.length !== 1 || !alert) return { domain, thread: undefined }
  const key = alert.key.replace(/[^\w.-]/g, '_')
  return { domain, thread: `<${key}.${Date.parse(alert.startsAt)}@${domain}>` }
}

/** In one line: a line break in a header would begin another. */
function plain(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is taken out
  return text.replace(/[\x00-\x1f\x7f\u0085\u2028\u2029]+/g, ' ')
}
