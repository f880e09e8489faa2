import assert from 'node:assert/strict'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Figures } from '../../compare.js'
import { buckets } from '../../ladder/workload.js'
import { median } from '../../statistics.js'
import { costOf, drive } from '../drive.js'
import type { Task } from '../task.js'

/** A histogram of request durations, by method, route and status. */
export interface Recorder {
  record(method: string, route: string, status: number, seconds: number): void
  /** All that it has, as Prometheus reads it. */
  scrape(): Promise<string | Buffer>
}

export type RecorderOptions = Record<string, unknown> & { buckets: number[] }

type Start = (options: RecorderOptions) => Promise<Recorder>

const routes = Array.from({ length: 10 }, (_, index) => `/route-${index}/:id`)
const statuses = [200, 302, 404]
const seriesCount = 10_000

/** By then the monitor, which looks every ms, has noted a delay that is over. */
const noticeMs = 5

export async function measure(start: Start, task: Task): Promise<Figures> {
  const recorder = await start({ ...task.options, buckets })
  return task.comparison === 'record' ? measureRecord(recorder, task) : measureScrape(recorder, task)
}

async function measureRecord(recorder: Recorder, { seconds }: Task): Promise<Figures> {
  let recorded = 0
  const record = (count: number) => {
    recorded++
    recorder.record('GET', routes[count % routes.length]!, statuses[count % statuses.length]!, 0.012)
  }
  const driven = await drive(record, { seconds })
  assert.equal(sumOfCounts(`${await recorder.scrape()}`), recorded, 'it has counted every record')
  return costOf(driven)
}

/** With 10,000 combinations of labels. */
async function measureScrape(recorder: Recorder, { seconds }: Task): Promise<Figures> {
  for (let series = 0; series < seriesCount; series++) recorder.record('GET', `/route-${series}/:id`, 200, 0.012)
  const text = `${await recorder.scrape()}`
  assert.equal(sumOfCounts(text), seriesCount, 'it tells every series')
  assert.equal(text.match(/_bucket\{/g)?.length, seriesCount * (buckets.length + 1), 'with all its buckets')

  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  const [costs, delays]: [number[], number[]] = [[], []]
  const endMs = performance.now() + seconds * 1_000
  do {
    delay.reset()
    await sleep(noticeMs) // it measures from its first look on
    const startCpu = process.cpuUsage()
    await recorder.scrape()
    const { user, system } = process.cpuUsage(startCpu)
    costs.push((user + system) / 1_000)
    await sleep(noticeMs)
    delays.push(delay.max / 1e6)
  } while (performance.now() < endMs)
  return {
    cpuMs: median(costs),
    delayMs: median(delays),
    mib: Buffer.byteLength(text) / 2 ** 20,
  }
}

function sumOfCounts(text: string): number {
  return [...text.matchAll(/^request_duration_seconds_count\{.*\} (\d+)$/gm)].reduce((sum, [, n]) => sum + Number(n), 0)
}
