/** The thread of the watchdog. It writes to standard error itself, since console.error() would go through the blocked loop. */
import { writeSync } from 'node:fs'
import { workerData } from 'node:worker_threads'
import { places, type WatchdogData } from './watchdog.js'

const { memory, blockedMs, tickMs } = workerData as WatchdogData
const counts = new Uint32Array(memory)
let beats = Atomics.load(counts, places.beats)
let lastBeatMs = performance.now()
let lastLookMs = lastBeatMs
let countedMs = 0

setInterval(() => {
  const nowMs = performance.now()
  // While this thread was stopped as well, as by SIGSTOP, it can't tell what the loop did.
  lastBeatMs += Math.max(0, nowMs - lastLookMs - 2 * tickMs)
  lastLookMs = nowMs
  const seen = Atomics.load(counts, places.beats)
  if (seen !== beats) {
    beats = seen
    lastBeatMs = nowMs
    countedMs = 0
    return
  }
  const silentMs = Math.floor(nowMs - lastBeatMs)
  if (silentMs < blockedMs) return
  if (countedMs === 0) {
    Atomics.add(counts, places.blocks, 1)
    tell(`health: the event loop of process ${process.pid} has been blocked for ${silentMs} ms\n`)
  }
  Atomics.add(counts, places.blockedMs, silentMs - countedMs)
  countedMs = silentMs
}, tickMs)

function tell(line: string): void {
  try {
    writeSync(2, line)
  } catch {
    // Nobody reads it, and the pipe is full.
  }
}
