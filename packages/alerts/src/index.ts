import type { Alerts } from './alerts.js'

export type { AlertId, AlertInput, Severity } from './alert.js'
export type { Alerts, Pending } from './alerts.js'
export type { Channel, ChannelOptions } from './channels/channel.js'
export { type EmailOptions, email, type TransportLike } from './channels/email.js'
export { type LogOptions, log } from './channels/log.js'
export { type PagerDutyOptions, pagerduty } from './channels/pagerduty.js'
export { type SlackOptions, slack } from './channels/slack.js'
export { type WebhookOptions, webhook } from './channels/webhook.js'
export type { RedisLike } from './claim/redis.js'
export type { FailureHints } from './delivery/failure.js'
export type { Kind } from './due.js'
export type { AlertEvent, AlertEvents } from './events.js'
export type { Matcher } from './matcher.js'
export type { Notification, NotifiedAlert } from './notification.js'
export type { AlertsOptions } from './options.js'
export { default } from './plugin.js'
export type { Route } from './routes.js'
export type { Signal, Threshold } from './rules/threshold.js'
export type { AlertStats } from './stats.js'
export type { DropReason } from './store.js'

declare module 'fastify' {
  interface FastifyInstance {
    /** Tells people of problems; by @steadfast/alerts. */
    alerts: Alerts
  }
}
