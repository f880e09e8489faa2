import { mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { findTestTool } from '@steadfast/testing'
import t, { type Test } from 'tap'
import { rungs } from '../src/ladder/rungs.js'
import { runBench } from './run-bench.js'

t.setTimeout(1_200_000) // on a machine that has much else to do

const quick = ['--rounds', '1', '--seconds', '0.3']

t.test('with wrk: every rung answers rightly, and is in the table, the JSON and the chart', async (t) => {
  await findTestTool('wrk')
  const { code, output, read } = await runBench(t, quick)
  t.equal(code, 0, output)
  const { markdown, json, svg } = read('ladder')
  const names = rungs.map(({ name }) => name)
  t.same(
    json.results.map(({ contender }) => contender),
    names,
  )
  for (const { contender, figures } of json.results) {
    for (const [name, { median }] of Object.entries(figures)) {
      t.ok(median > 0 || (name === 'othersPercent' && median === 0), `${name} of ${contender}`)
    }
    t.match(output, new RegExp(`^round 1/1  ${contender}: \\d+\\.\\d CPU µs a request  \\(\\d+ s left\\)$`, 'm'))
    t.match(markdown, new RegExp(`^\\| ${contender} +\\| +\\d`, 'm'))
    t.match(svg, `>${contender}</text>`)
  }
  t.ok(output.includes(markdown), 'what is printed is what is written')
  t.match(json.title, / of wrk$/)
  for (const name of ['wrk', 'redis', 'postgresql', 'fastify', '@fastify/rate-limit', 'express']) {
    t.match(json.machine.versions[name], /\d/, name)
    t.ok(markdown.includes(`${name} ${json.machine.versions[name]}`))
  }
  t.match(markdown, `Node ${process.version}`)
})

t.test('without wrk: autocannon does the same', async (t) => {
  const path = await pathWithout(t, 'wrk')
  const only = ['--only', 'ecosystem-redis,ecosystem-redis-10k']
  const { code, output, read } = await runBench(t, [...quick, ...only], { PATH: path })
  t.equal(code, 0, output)
  const { json, markdown, svg } = read('ladder')
  t.same(
    json.results.map(({ contender }) => contender),
    ['bare', 'ecosystem-redis', 'ecosystem-redis-10k'],
  )
  t.match(json.title, / of autocannon$/)
  t.equal(json.machine.versions.wrk, undefined)
  t.match(json.machine.versions.autocannon, /^\d/)
  t.match(markdown, /^\| ecosystem-redis +\| +\d/m)
  t.match(svg, /^<svg .*<\/svg>\n$/s)
})

t.test('a wrong argument is told in one line', async (t) => {
  for (const [args, message] of [
    [['--rounds', '1.5'], '--rounds must be a whole number from 1 to 1000, not "1.5"'],
    [['--seconds', 'x'], '--seconds must be a number from 0.1 to 600, not "x"'],
    [['ladders'], 'there is no bench "ladders", but ladder, limiter, cache, metrics, logging, clicks'],
    [
      ['metrics', '--only', 'bare'],
      '--only: there is no "bare", but prom-client, @platformatic/prom-client, prom-client-summary',
    ],
    [['--out', '/dev/null/x'], '--out: can\'t write to "/dev/null/x": ENOTDIR'],
    [['--round', '3'], /Unknown option '--round'/],
  ] as const) {
    const { code, output } = await runBench(t, [...args])
    t.equal(code, 1)
    t.match(output.split('\n')[0], message)
    t.notMatch(output, / {4}at /)
  }
  const { code, output } = await runBench(t, ['--help'])
  t.equal(code, 0)
  t.match(output, /^Usage: bench /)
})

/** A PATH with all the programs of this one but one. */
async function pathWithout(t: Test, program: string): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'bench-path-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  for (const from of (process.env.PATH ?? '').split(delimiter)) {
    for (const name of programsIn(from)) {
      if (name !== program) linkUnlessThere(join(from, name), join(folder, name))
    }
  }
  return folder
}

function programsIn(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return [] // PATH may name folders that don't exist
  }
}

function linkUnlessThere(target: string, link: string): void {
  try {
    symlinkSync(target, link)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
}
