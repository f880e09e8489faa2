import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { runFolder } from '@steadfast/testing'
import { clientHeader } from '../workload.js'
import { connections, type LoadOptions, type LoadResult } from './load.js'

/** All requests are made before the first is sent; the result is the last line of the output. */
const script = ({ clients, isStrict }: LoadOptions) => `
local requests, sent, thread = {}, 0, nil
wrongAnswers = 0
setup = function(only)
  thread = only
end
init = function()
  for client = 1, ${clients} do
    requests[client] = wrk.format(nil, nil, { Host = wrk.headers.Host, ["${clientHeader}"] = "c" .. client })
  end
end
request = function()
  sent = sent + 1
  return requests[sent % ${clients} + 1]
end
${isStrict ? strictResponse : ''}
done = function(summary, latency)
  local errors = summary.errors
  local wrong = math.max(errors.status, thread:get("wrongAnswers"))
  io.write(string.format('{"answered":%d,"seconds":%f,"p50Ms":%f,"p99Ms":%f,"errors":%d}\\n',
    summary.requests - wrong, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    errors.connect + errors.read + errors.write + errors.timeout + wrong))
end
`

const strictResponse = `
response = function(status)
  if status ~= 302 then wrongAnswers = wrongAnswers + 1 end
end`

export async function loadByWrk(url: URL, seconds: number, options: LoadOptions): Promise<LoadResult> {
  const folder = await mkdtemp(join(await runFolder(), 'wrk-'))
  try {
    const file = join(folder, 'script.lua')
    await writeFile(file, script(options))
    const args = ['-t', '1', '-c', `${connections}`, '-d', `${Math.ceil(seconds)}s`, '-s', file, url.href]
    const wrk = spawn('wrk', args, { stdio: ['ignore', 'pipe', 'inherit'] })
    // It runs whole seconds only, and tells what it has when it is interrupted.
    const timer = setTimeout(() => wrk.kill('SIGINT'), seconds * 1_000)
    let output = ''
    wrk.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
    const [code, signal] = await once(wrk, 'close')
    clearTimeout(timer)
    if (code !== 0) throw new Error(`wrk ended with ${signal ?? code}:\n${output}`)
    return JSON.parse(output.trimEnd().split('\n').at(-1)!) as LoadResult
  } finally {
    await rm(folder, { recursive: true })
  }
}
