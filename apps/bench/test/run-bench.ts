import { mkdtempSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { forkFixture, runFolder } from '@steadfast/testing'
import type { Test } from 'tap'
import type { Result } from '../src/compare.js'
import type { Machine } from '../src/report/machine.js'

const main = new URL('../src/main.js', import.meta.url)

export interface Report {
  name: string
  title: string
  machine: Machine
  rounds: number
  results: Result[]
}

export interface BenchRun {
  code: number | null
  output: string
  /** The table, the JSON and the chart of a comparison, as they were written. */
  read(name: string): { markdown: string; json: Report; svg: string }
}

/** Runs the bench as its users do, with a folder of its own for the results. */
export async function runBench(
  t: Test,
  args: string[],
  env: Record<string, string | undefined> = {},
): Promise<BenchRun> {
  const out = mkdtempSync(join(await runFolder(), 'bench-'))
  const child = await forkFixture(main, { args: ['--out', out, ...args], env })
  t.teardown(() => child.release())
  const { code } = await child.exit
  const text = (name: string, extension: string) => readFileSync(join(out, `${name}.${extension}`), 'utf8')
  return {
    code,
    output: child.output(),
    read: (name) => ({
      markdown: text(name, 'md'),
      json: JSON.parse(text(name, 'json')) as Report,
      svg: text(name, 'svg'),
    }),
  }
}
