import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import type { Figures } from '../../compare.js'
import type { Task } from '../task.js'

/** What an access line says besides its level, time and message. */
export interface AccessFields {
  reqId: string
  req: { method: string; url: string; remoteAddress: string }
  res: { statusCode: number }
  responseTime: number
}

export interface AccessLog {
  write(fields: AccessFields): void
  /** Resolves once all lines are in the file. */
  end(): Promise<void>
}

export type AccessLogOptions = Record<string, unknown> & { folder: string }

const batch = 100
const warmUpLines = 5_000
const settleMs = 5_000
const batchesPerLook = 50 // a look at the memory costs as much as a line

/** Access lines, a hundred in each turn of the event loop, until all are in the file. */
export async function measure(
  start: (options: AccessLogOptions) => Promise<AccessLog>,
  { seconds, folder, options }: Task,
): Promise<Figures> {
  const log = await start({ ...options, folder })
  let lines = 0
  async function writeBatch(): Promise<void> {
    for (let i = 0; i < batch; i++) log.write(fieldsOf(lines++))
    await nextTurn()
  }
  while (lines < warmUpLines) await writeBatch()

  const startCpu = process.cpuUsage()
  const startMs = performance.now()
  let callerMs = 0
  let rss = process.memoryUsage.rss()
  let batches = 0
  const first = lines
  do {
    const batchMs = performance.now()
    const written = writeBatch()
    callerMs += performance.now() - batchMs
    await written
    if (++batches % batchesPerLook === 0) rss = Math.max(rss, process.memoryUsage.rss())
  } while (performance.now() - startMs < seconds * 1_000)
  await log.end()
  const { user, system } = process.cpuUsage(startCpu)
  const tookMs = performance.now() - startMs
  const measured = lines - first
  const files = await readFiles(folder, lines)
  checkLines(files.join(''), lines)
  return {
    cpuMicros: (user + system) / measured,
    callerMicros: (callerMs * 1_000) / measured,
    perSecond: (measured * 1_000) / tookMs,
    rssMiB: rss / 2 ** 20,
    tornLines: files.filter((text) => text !== '' && !text.endsWith('\n')).length,
  }
}

function fieldsOf(line: number): AccessFields {
  return {
    reqId: `req-${line}`,
    req: { method: 'GET', url: '/2222222', remoteAddress: '127.0.0.1' },
    res: { statusCode: 302 },
    responseTime: 1.25,
  }
}

/** The log's files in the order in which they were written, once they have all lines: winston tells its end a little early. */
async function readFiles(folder: string, lines: number): Promise<string[]> {
  for (const endMs = performance.now() + settleMs; ; await sleep(20)) {
    const files = readdirSync(folder)
      .filter((name) => /\.log(\.\d+)?$/.test(name))
      .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
      .map((name) => readFileSync(join(folder, name), 'utf8'))
    const written = files.reduce((sum, text) => sum + text.split('\n').length - 1, 0)
    if (written >= lines || performance.now() > endMs) return files
  }
}

/** Nobody wins by losing lines, or by writing less of them. */
function checkLines(text: string, expected: number): void {
  const seen = new Set<string>()
  for (const line of text.trimEnd().split('\n')) {
    const { level, time, reqId, req, res, responseTime, msg, message = msg } = JSON.parse(line)
    assert.deepEqual({ reqId, req, res, responseTime }, fieldsOf(seen.size), line)
    assert.ok(level && time && message === 'request completed', line)
    seen.add(reqId)
  }
  assert.equal(seen.size, expected, 'all lines are in the files')
}
