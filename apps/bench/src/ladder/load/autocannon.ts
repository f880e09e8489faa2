import autocannon from 'autocannon'
import { clientHeader } from '../workload.js'
import { connections, type LoadResult } from './load.js'

export async function loadByAutocannon(url: URL, seconds: number, clients: number): Promise<LoadResult> {
  // Each connection gets its share of the clients, so that all together are no more than asked for.
  const share = Math.max(1, Math.floor(clients / connections))
  let connection = 0
  const result = await autocannon({
    url: url.href,
    connections,
    duration: seconds,
    setupClient(client) {
      const first = (connection++ * share) % clients
      const numbers = Array.from({ length: share }, (_, index) => ((first + index) % clients) + 1)
      client.setRequests(numbers.map((number) => ({ headers: { [clientHeader]: `c${number}` } })))
    },
  })
  const answered = result['3xx']
  return {
    answered,
    seconds: result.duration,
    p50Ms: result.latency.p50,
    p99Ms: result.latency.p99,
    errors: result.errors + result.non2xx - answered,
  }
}
