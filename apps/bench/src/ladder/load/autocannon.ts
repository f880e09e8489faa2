import autocannon from 'autocannon'
import { clientHeader } from '../workload.js'
import { connections, type LoadOptions, type LoadResult } from './load.js'

export async function loadByAutocannon(url: URL, seconds: number, { clients }: LoadOptions): Promise<LoadResult> {
  let connection = 0
  const result = await autocannon({
    url: url.href,
    connections,
    duration: seconds,
    setupClient(client) {
      const numbers = clientsOf(connection++, clients)
      client.setRequests(numbers.map((number) => ({ headers: { [clientHeader]: `c${number}` } })))
    },
  })
  const answered = result['3xx']
  return {
    answered,
    seconds: result.duration,
    p50Ms: result.latency.p50,
    p99Ms: result.latency.p99,
    errors: result.errors + result['1xx'] + result['2xx'] + result['4xx'] + result['5xx'],
  }
}

/** The connection's share of the clients, which are numbered from 1; one of them where there are fewer than connections. */
function clientsOf(connection: number, clients: number): number[] {
  const first = (connection % Math.min(clients, connections)) + 1
  const share = Math.floor((clients - first) / connections) + 1
  return Array.from({ length: share }, (_, index) => first + index * connections)
}
