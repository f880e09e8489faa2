import type { Comparison, Figures, Round } from '../compare.js'
import type { LoadGenerator } from '../ladder/load/load.js'
import type { Rung } from '../ladder/measure.js'
import { rungs } from '../ladder/rungs.js'
import { median } from '../statistics.js'
import { PausedServer } from './paused-server.js'

const spanMs = 60

/** Until then V8 is still at work on it; slow servers are warm with fewer, as they do more for each. */
const warmUpRequests = 200_000
const longestWarmUpMs = 10_000

/** The ladder's servers by moments, for a machine that is not quiet: what disturbs it for longer than that disturbs both of a pair. */
export function spans({ name }: LoadGenerator): Comparison {
  return {
    name: 'spans',
    title: `The cost of a redirect, each server and one of the first in turns of ${spanMs} ms, both under load from wrk`,
    figures: [{ name: 'cpuMicros', title: 'CPU µs a request', digits: 1 }],
    ratio: 'ratio',
    contenders: rungs.map((rung) => ({
      name: rung.name,
      about: rung.about,
      servers: rung.servers,
      measure: (round) => {
        if (name !== 'wrk') throw new Error('it takes wrk, as no other load can be held for a moment')
        return measureSpans(rung, round)
      },
      release: rung.release,
    })),
  }
}

/** Both are started anew: so rounds also tell how processes differ. */
export async function measureSpans(rung: Rung, { seconds, core }: Round): Promise<Figures> {
  const servers: PausedServer[] = []
  try {
    for (const each of [rungs[0]!, rung]) servers.push(await PausedServer.start(each, core))
    const share = Math.min(1, seconds)
    for (const server of servers) await server.warmUp(warmUpRequests * share, longestWarmUpMs * share)
    const [reference, own] = servers as [PausedServer, PausedServer]
    const costs: { own: number; ratio: number }[] = []
    for (let pair = 0; pair * spanMs < seconds * 1_000; pair++) {
      const isFirst = pair % 2 === 0
      const early = await (isFirst ? reference : own).span(spanMs)
      const late = await (isFirst ? own : reference).span(spanMs)
      costs.push(isFirst ? { own: late, ratio: late / early } : { own: early, ratio: early / late })
    }
    for (const server of servers) await server.end()
    return { cpuMicros: median(costs.map(({ own }) => own)), ratio: median(costs.map(({ ratio }) => ratio)) }
  } finally {
    for (const server of servers) await server.release()
  }
}
