import { freePort, startPostgres, waitFor } from '@steadfast/testing'
import t from 'tap'
import { migrate, startServer } from './server-process.js'

t.test('requests are counted by their route, whatever code they ask for', async (t) => {
  const postgres = await startPostgres()
  t.teardown(() => postgres.release())
  await migrate(t, postgres.url)
  const token = 'the-token-of-operations'
  const { url, post, child } = await startServer(t, postgres.url, { OPERATIONS_TOKEN: token })
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
    'shortener_clicks_lag_seconds 0',
    'shortener_redirects_total{result="redirected"} 2',
    'shortener_redirects_total{result="not_found"} 2',
    'shortener_redirect_lookups_total{tier="memory"} 1',
    'shortener_redirect_lookups_total{tier="database"} 3',
  ]
  const headers = { authorization: `Bearer ${token}` }
  await waitFor(async () => {
    const lines = (await (await fetch(`${url}/metrics`, { headers })).text()).split('\n')
    return expected.every((line) => lines.includes(line)) && lines.some((line) => line.startsWith('process_cpu_'))
  })
  t.equal((await fetch(`${url}/metrics`)).status, 401)
  t.match(await (await fetch(`${url}/health`, { headers })).json(), { checks: {} })
  t.notMatch(child.output(), '"url":"/metrics"', 'scrapes are not in the access log')
})

t.test('without a token there are no metrics on the port of the links; they may have one of their own', async (t) => {
  const postgres = await startPostgres()
  t.teardown(() => postgres.release())
  await migrate(t, postgres.url)
  const nobodys = await startServer(t, postgres.url)
  t.equal((await fetch(`${nobodys.url}/metrics`)).status, 404)
  const port = await freePort()
  const { url } = await startServer(t, postgres.url, { METRICS_PORT: `${port}` })
  t.equal((await fetch(`${url}/metrics`)).status, 404)
  t.match(await (await fetch(`http://127.0.0.1:${port}/metrics`)).text(), 'shortener_clicks_accepted_total 0')
})
