import { startPostgres, waitFor } from '@steadfast/testing'
import t from 'tap'
import { migrate, startServer } from './server-process.js'

t.test('requests are counted by their route, whatever code they ask for', async (t) => {
  const postgres = await startPostgres()
  t.teardown(() => postgres.release())
  await migrate(t, postgres.url)
  const { url, post, child } = await startServer(t, postgres.url)
  const { code } = (await (await post({ url: 'https://example.com' })).json()) as { code: string }
  for (const path of [code, code, '2222222', '3333333']) await fetch(`${url}/${path}`, { redirect: 'manual' })
  const expected = [
    'http_request_duration_seconds_count{method="POST",route="/api/v1/links",status_code="201"} 1',
    'http_request_duration_seconds_count{method="GET",route="/:code",status_code="302"} 2',
    'http_request_duration_seconds_count{method="GET",route="/:code",status_code="404"} 2',
    'http_requests_in_flight 0',
    'shortener_clicks_accepted_total 2',
    'shortener_clicks_written_total 2',
    'shortener_clicks_lost_total 0',
    'shortener_clicks_queued 0',
  ]
  await waitFor(async () => {
    const lines = (await (await fetch(`${url}/metrics`)).text()).split('\n')
    return expected.every((line) => lines.includes(line)) && lines.some((line) => line.startsWith('process_cpu_'))
  })
  t.notMatch(child.output(), '"url":"/metrics"', 'scrapes are not in the access log')
})
