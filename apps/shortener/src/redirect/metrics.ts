import type { FastifyInstance } from 'fastify'

const results: Record<number, string> = {
  301: 'redirected',
  302: 'redirected',
  307: 'redirected',
  308: 'redirected',
  404: 'not_found',
  410: 'gone',
  429: 'limited',
  503: 'unavailable',
}

const key = Symbol.for('steadfast.v1')

interface Family {
  name: string
  help: string
  type: 'counter'
  samples: { labels: Record<string, string>; value: number }[]
}

/** Counts what redirects come to, and tells where their links were found. */
export function countRedirects(app: FastifyInstance): void {
  const counts: Record<string, number> = {}
  app.addHook('onResponse', (request, reply, done) => {
    if (request.routeOptions.url === '/:code') {
      const result = results[reply.statusCode] ?? 'failed'
      counts[result] = (counts[result] ?? 0) + 1
    }
    done()
  })
  const shared = (app.server as { [key]?: { metricSources: Set<() => Family[]> } })[key]
  shared?.metricSources.add(() => {
    const { l1Hits, l2Hits, staleHits, misses } = app.cache.stats()
    const tiers = { memory: l1Hits, redis: l2Hits, stale: staleHits, database: misses }
    const counter = (name: string, help: string, label: string, values: Record<string, number>): Family => ({
      name: `shortener_${name}_total`,
      help,
      type: 'counter',
      samples: Object.entries(values).map(([text, value]) => ({ labels: { [label]: text }, value })),
    })
    return [
      counter('redirects', 'Requests for links, by what they came to.', 'result', counts),
      counter('redirect_lookups', 'Links that were looked up, by where they were found.', 'tier', tiers),
    ]
  })
}
