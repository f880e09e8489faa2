/** Measures all rungs in turn, round after round, and compares them within each round: machines are noisy, ratios less so. */
import { writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { type Measurement, measure } from './measure.js'
import { rungs } from './rungs.js'
import { median, spread } from './statistics.js'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '7' },
    seconds: { type: 'string', default: '3' },
    only: { type: 'string' },
    json: { type: 'string' },
  },
})
const [rounds, seconds] = [Number(values.rounds), Number(values.seconds)]
const [first, ...others] = rungs
const wanted = values.only?.split(',') ?? rungs.map(({ name }) => name)
const unknown = wanted.find((name) => !rungs.some((rung) => rung.name === name))
if (!(Number.isInteger(rounds) && rounds > 0)) stop(`--rounds must be a whole number above 0, not "${values.rounds}"`)
if (!(seconds > 0)) stop(`--seconds must be a number above 0, not "${values.seconds}"`)
if (unknown) stop(`--only: there is no rung "${unknown}", but ${rungs.map(({ name }) => name).join(', ')}`)
const chosen = [first!, ...others.filter(({ name }) => wanted.includes(name))]

const running = await Promise.all(chosen.map(async ({ name, start }) => ({ name, server: await start() })))
const results = new Map<string, Measurement[]>(chosen.map(({ name }) => [name, []]))
for (const { server } of running) await measure(server, Math.min(seconds, 2)) // warms up
for (let round = 1; round <= rounds; round++) {
  for (const { name, server } of running) {
    const measurement = await measure(server, seconds)
    results.get(name)!.push(measurement)
    process.stderr.write(`round ${round}/${rounds}  ${name}  ${Math.round(measurement.requestsPerSecond)} requests/s\n`)
  }
}
await Promise.all(running.map(({ server }) => server.release()))

const bare = results.get(first!.name)!
const rows = [...results].map(([name, measurements]) => {
  const of = (field: keyof Measurement) => median(measurements.map((measurement) => measurement[field]))
  const ratios = measurements.map(({ cpuMicros }, round) => cpuMicros / bare[round]!.cpuMicros)
  return {
    rung: name,
    requestsPerSecond: Math.round(of('requestsPerSecond')),
    p50Ms: of('p50Ms'),
    p99Ms: of('p99Ms'),
    cpuMicros: Number(of('cpuMicros').toFixed(1)),
    cpuToBare: Number(median(ratios).toFixed(2)),
    spread: Number(spread(ratios).toFixed(2)),
  }
})
const machine = `${cpus().length} × ${cpus()[0]?.model ?? 'unknown CPU'}, Node ${process.version}`
console.log(`${machine}; medians of ${rounds} rounds of ${seconds} s`)
console.table(rows)
if (values.json)
  writeFileSync(
    values.json,
    `${JSON.stringify({ machine, rounds, seconds, rows, results: Object.fromEntries(results) }, null, 2)}\n`,
  )

function stop(message: string): never {
  console.error(message)
  process.exit(1)
}
