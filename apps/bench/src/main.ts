/** Measures contenders in turn, round after round, and compares them within each round: machines are noisy, ratios less so. */
import { accessSync, constants, mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { choose } from './choose.js'
import { clicks } from './clicks/clicks.js'
import { type Comparison, compare, type Result } from './compare.js'
import { cache } from './components/cache/cache.js'
import { limiter } from './components/limiter/limiter.js'
import { logging } from './components/logging/logging.js'
import { metrics } from './components/metrics/metrics.js'
import { takeLoadCore } from './cores.js'
import { ladder } from './ladder/ladder.js'
import { findLoadGenerator } from './ladder/load/load.js'
import { HelpWanted, parseOptions } from './options.js'
import { chart } from './report/chart.js'
import { describeMachine, type Machine, machineText } from './report/machine.js'
import { table } from './report/table.js'
import { marginMeaning } from './statistics.js'

const generator = findLoadGenerator()
const benches: Record<string, Comparison[]> = {
  ladder: [ladder(generator)],
  limiter,
  cache,
  metrics,
  logging,
  clicks,
}

try {
  await main()
} catch (error) {
  const isHelp = error instanceof HelpWanted
  ;(isHelp ? console.log : console.error)((error as Error).message)
  process.exit(isHelp ? 0 : 1)
}

async function main(): Promise<void> {
  const { benches: names, only, out, ...run } = parseOptions(process.argv.slice(2), Object.keys(benches))
  const comparisons = choose(
    names.flatMap((name) => benches[name]!),
    only,
  )
  makeFolder(out)
  const cores = takeLoadCore()
  const servers = comparisons.flatMap(({ contenders }) => contenders.flatMap(({ servers = [] }) => servers))
  const tools: Record<string, string> = generator.version ? { wrk: generator.version } : {}
  const machine = await describeMachine(cores, servers, tools)
  const onProgress = (message: string) => void process.stderr.write(`${message}\n`)
  for (const comparison of comparisons) {
    const results = await compare(comparison, { ...run, core: cores?.server, onProgress })
    publish(comparison, results, { machine, ...run }, out)
  }
}

/** Before all else, so that nobody waits for results that can't be written. */
function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true })
    accessSync(folder, constants.W_OK)
  } catch (error) {
    throw new Error(`--out: can't write to "${folder}": ${(error as Error).message}`)
  }
}

interface Circumstances {
  machine: Machine
  rounds: number
  seconds: number
}

function publish(comparison: Comparison, results: Result[], circumstances: Circumstances, folder: string): void {
  const { name, title } = comparison
  const { machine, rounds, seconds } = circumstances
  const margin = `± ${marginMeaning(rounds)}`
  const how = `Medians of ${rounds} rounds of ${seconds} s; ${margin}.`
  const text = `${title}\n\n${machineText(machine)}\n${how}\n\n${table(comparison, results)}\n`
  console.log(text)
  const json = { name, title, ...circumstances, results }
  for (const [extension, content] of [
    ['md', text],
    ['json', `${JSON.stringify(json, null, 2)}\n`],
    ['svg', chart(comparison, results)],
  ] as const) {
    writeFileSync(join(folder, `${name}.${extension}`), content)
  }
  console.log(`${resolve(folder)}/${name}.md, .json, .svg\n`)
}
