import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { clientHeader } from '../workload.js'
import { connections, type LoadResult } from './load.js'

/** All requests are made before the first is sent; the result is the last line of the output. */
const script = (clients: number) => `
local requests, sent = {}, 0
init = function()
  for client = 1, ${clients} do
    requests[client] = wrk.format(nil, nil, { Host = wrk.headers.Host, ["${clientHeader}"] = "c" .. client })
  end
end
request = function()
  sent = sent + 1
  return requests[sent % ${clients} + 1]
end
done = function(summary, latency)
  local errors = summary.errors
  io.write(string.format('{"answered":%d,"seconds":%f,"p50Ms":%f,"p99Ms":%f,"errors":%d}\\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
`

export async function loadByWrk(url: URL, seconds: number, clients: number): Promise<LoadResult> {
  const folder = mkdtempSync(join(tmpdir(), 'bench-wrk-'))
  try {
    const file = join(folder, 'script.lua')
    writeFileSync(file, script(clients))
    const args = ['-t', '1', '-c', `${connections}`, '-d', `${Math.ceil(seconds)}s`, '-s', file, url.href]
    const wrk = spawn('wrk', args, { stdio: ['ignore', 'pipe', 'inherit'] })
    // It runs whole seconds only, and tells what it has when it is interrupted.
    const timer = setTimeout(() => wrk.kill('SIGINT'), seconds * 1_000)
    let output = ''
    wrk.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
    const [code] = await once(wrk, 'close')
    clearTimeout(timer)
    if (code !== 0) throw new Error(`wrk exited with ${code}:\n${output}`)
    return JSON.parse(output.trimEnd().split('\n').at(-1)!) as LoadResult
  } finally {
    rmSync(folder, { recursive: true })
  }
}
