import { parseArgs } from 'node:util'

export interface BenchOptions {
  /** Which benches to run. */
  benches: string[]
  rounds: number
  /** How long each contender is under load in each round. */
  seconds: number
  /** The contenders to measure beside the first; all if undefined. */
  only: string[] | undefined
  /** The folder for the results. */
  out: string
}

/** Thrown instead of options when they ask for help; its message is what to print. */
export class HelpWanted extends Error {}

const usage = `Usage: bench [ladder | limiter | cache | metrics | logging | clicks …] [options]
  --rounds N      how often each is measured (12)
  --seconds N     for how long each time (2)
  --only A,B      these beside the first, by their names in the table
  --out FOLDER    where the table, the JSON and the chart go (bench-results)`

/** @throws Error that names the argument and its value, or HelpWanted */
export function parseOptions(args: string[], known: string[]): BenchOptions {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      rounds: { type: 'string', default: '12' },
      seconds: { type: 'string', default: '2' },
      only: { type: 'string' },
      out: { type: 'string', default: 'bench-results' },
      help: { type: 'boolean', short: 'h' },
    },
  })
  if (values.help) throw new HelpWanted(usage)
  const benches = positionals.length > 0 ? positionals : ['ladder']
  const stranger = benches.find((name) => !known.includes(name))
  if (stranger !== undefined) throw new Error(`there is no bench "${stranger}", but ${known.join(', ')}`)
  const [rounds, seconds] = [Number(values.rounds), Number(values.seconds)]
  if (!(Number.isInteger(rounds) && rounds > 0 && rounds <= 1_000)) {
    throw new Error(`--rounds must be a whole number from 1 to 1000, not "${values.rounds}"`)
  }
  if (!(seconds >= 0.1 && seconds <= 600)) {
    throw new Error(`--seconds must be a number from 0.1 to 600, not "${values.seconds}"`)
  }
  return { benches, rounds, seconds, only: values.only?.split(',').map((name) => name.trim()), out: values.out }
}
