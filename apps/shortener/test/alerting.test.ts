import { type Received, startPostgres, startReceiver, startRedis, waitFor } from '@steadfast/testing'
import t from 'tap'
import { migrate, startServer } from './server-process.js'

/** Of a machine that is busy Slack may hear too. */
const ofDatabase = (messages: Received[]) => messages.filter(({ body }) => body.includes('database'))

const bodyOf = ({ body }: Received) => JSON.parse(body) as { event_action?: string; dedup_key?: string; text?: string }

t.test(
  'PostgreSQL is killed: one trigger to PagerDuty and one message to Slack from two servers, and their end',
  async (t) => {
    const postgres = await startPostgres({ own: true })
    const redis = await startRedis({ own: true })
    const pagerduty = await startReceiver([{ status: 202 }])
    const slack = await startReceiver([{ status: 200, body: 'ok' }])
    t.teardown(() => Promise.all([postgres, redis, pagerduty, slack].map((server) => server.release())))
    await migrate(t, postgres.url)
    const env = {
      REDIS_URL: redis.url,
      PAGERDUTY_ROUTING_KEY: 'routing-key-of-the-test',
      PAGERDUTY_URL: pagerduty.url,
      SLACK_WEBHOOK_URL: `${slack.url}/services/secret-of-slack`,
      ALERT_TARGETS: 'any',
    }
    const servers = await Promise.all([startServer(t, postgres.url, env), startServer(t, postgres.url, env)])
    const allReady = async () => {
      const answers = await Promise.all(servers.map(({ url }) => fetch(`${url}/readyz`)))
      return answers.every(({ status }) => status === 200)
    }
    await waitFor(allReady)

    await postgres.kill()
    await pagerduty.whenReceived(1)
    await waitFor(() => ofDatabase(slack.received).length >= 1)
    // Both have noticed, and the second had its time to tell.
    for (const { child } of servers) await child.printed(/health check \\"database\\": fail/)
    await new Promise((resolve) => setTimeout(resolve, 6_000))
    t.same(
      pagerduty.received.map((event) => bodyOf(event).event_action),
      ['trigger'],
    )
    t.equal(ofDatabase(slack.received).length, 1)

    await postgres.restart()
    await pagerduty.whenReceived(2)
    await waitFor(() => ofDatabase(slack.received).length >= 2)
    const [trigger, resolve] = pagerduty.received.map(bodyOf)
    t.match(resolve, { event_action: 'resolve', dedup_key: trigger!.dedup_key! })
    await waitFor(allReady)
    for (const { child } of servers) child.signal('SIGTERM')
    for (const { child } of servers) t.same(await child.exit, { code: 0, signal: null })
    t.equal(pagerduty.received.length, 2)
    t.equal(ofDatabase(slack.received).length, 2)
    for (const { child } of servers) t.notMatch(child.output(), /routing-key-of-the-test|secret-of-slack/)
  },
)
