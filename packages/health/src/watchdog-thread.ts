/** The thread of the watchdog. It writes to standard error itself: console.error() would go through the blocked loop. */
import { writeSync } from 'node:fs'
import { workerData } from 'node:worker_threads'
import { Silence } from './silence.js'
import { places, type WatchdogData } from './watchdog.js'

const { memory, blockedMs, tickMs } = workerData as WatchdogData
const counts = new Uint32Array(memory)
const silence = new Silence(blockedMs, tickMs)

setInterval(() => {
  const block = silence.look(performance.now(), Atomics.load(counts, places.beats))
  if (!block) return
  Atomics.add(counts, places.blockedMs, block.addedMs)
  if (!block.isFirst) return
  Atomics.add(counts, places.blocks, 1)
  tell(`health: the event loop of process ${process.pid} has been blocked for ${block.silentMs} ms\n`)
}, tickMs)

function tell(line: string): void {
  try {
    writeSync(2, line)
  } catch {
    // Nobody reads it, and the pipe is full.
  }
}
