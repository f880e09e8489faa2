import type { Comparison } from '../compare.js'
import type { LoadGenerator } from './load/load.js'
import { measureRung } from './measure.js'
import { rungs } from './rungs.js'

/** What a request costs with more and more around it. */
export function ladder({ name, load }: LoadGenerator): Comparison {
  return {
    name: 'ladder',
    title: `The cost of a redirect, under load from 64 connections of ${name}`,
    figures: [
      { name: 'cpuMicros', title: 'CPU µs a request', digits: 1 },
      { name: 'requestsPerSecond', title: 'requests/s', digits: 0 },
      { name: 'p50Ms', title: 'p50 ms', digits: 2 },
      { name: 'p99Ms', title: 'p99 ms', digits: 2 },
      { name: 'busyPercent', title: 'core %', digits: 0 },
      { name: 'othersPercent', title: 'others %', digits: 0 },
      { name: 'rssMiB', title: 'RSS MiB', digits: 0 },
      { name: 'bootMs', title: 'boot ms', digits: 0 },
    ],
    contenders: rungs.map((rung) => ({
      name: rung.name,
      about: rung.about,
      servers: rung.servers,
      measure: ({ seconds, core }) => measureRung(rung, { load, seconds, core }),
      release: rung.release,
    })),
  }
}
