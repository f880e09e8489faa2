import { Agent, get } from 'node:http'
import type { Child } from '@steadfast/testing'
import pg from 'pg'
import type { Test } from 'tap'
import { type RunningServer, serverEnv, startMain, startMs } from './server-process.js'

/** What came of one GET: its status and target; 0 where there was no answer. */
export interface Followed {
  status: number
  location: string | undefined
  headers: Record<string, unknown>
}

const agent = new Agent({ keepAlive: true, maxSockets: 64 })

/** A GET that follows nothing, on kept connections, and never rejects. */
export function ask(url: string, headers: Record<string, string> = {}): Promise<Followed> {
  return new Promise((resolve) => {
    const request = get(url, { agent, headers }, (response) => {
      const { statusCode: status = 0, headers } = response
      response.once('error', () => resolve({ status: 0, location: undefined, headers: {} }))
      response.once('end', () => resolve({ status, location: headers.location, headers }))
      response.resume()
    })
    request.once('error', () => resolve({ status: 0, location: undefined, headers: {} }))
  })
}

export interface Load {
  /** Redirects that were answered, by code. */
  answered: Map<string, number>
  /** How often other answers came, by status. */
  others: Map<number, number>
  /** The longest that an answer took, in ms. */
  slowestMs: number
}

/** Follows links through all servers, so many at a time, until it is told to stop or has done `times`. */
export async function follow(
  servers: { url: string }[],
  codes: string[],
  { times = Infinity, lanes = 16, until = () => false }: { times?: number; lanes?: number; until?: () => boolean },
): Promise<Load> {
  const load: Load = { answered: new Map(codes.map((code) => [code, 0])), others: new Map(), slowestMs: 0 }
  let sent = 0
  const lane = async () => {
    while (sent < times && !until()) {
      const turn = sent++
      const code = codes[turn % codes.length]!
      const startMs = performance.now()
      const { status } = await ask(`${servers[Math.floor(turn / codes.length) % servers.length]!.url}/${code}`)
      load.slowestMs = Math.max(load.slowestMs, performance.now() - startMs)
      if (status === 302) load.answered.set(code, load.answered.get(code)! + 1)
      else load.others.set(status, (load.others.get(status) ?? 0) + 1)
    }
  }
  await Promise.all(Array.from({ length: lanes }, lane))
  return load
}

export async function makeLinks(server: RunningServer, count: number): Promise<string[]> {
  const links = Array.from({ length: count }, (_, index) => ({ url: `https://example.com/${index}` }))
  const answer = await server.api('POST', '/links/bulk', { links })
  const { results } = (await answer.json()) as { results: { link: { code: string } }[] }
  return results.map(({ link }) => link.code)
}

/** How often each link was clicked, by each of the places where that is kept. */
export interface Counted {
  raw: Map<string, number>
  totals: Map<string, number>
  hourly: Map<string, number>
}

export async function counted(url: string): Promise<Counted> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    const by = async (table: string, sum: string) => {
      const sql = `SELECT code, (SELECT ${sum} FROM ${table} WHERE link_id = links.id)::int AS n FROM links`
      const { rows } = await client.query<{ code: string; n: number | null }>(sql)
      return new Map(rows.map(({ code, n }) => [code, n ?? 0]))
    }
    return {
      raw: await by('click_events', 'count(*)'),
      totals: await by('click_totals', 'sum(clicks)'),
      hourly: await by('click_hourly', 'sum(clicks)'),
    }
  } finally {
    await client.end()
  }
}

export const sumOf = (counts: Map<string, number>): number => [...counts.values()].reduce((sum, one) => sum + one, 0)

/** A worker process, once it counts. */
export async function startWorker(t: Test, databaseUrl: string, env: Record<string, string>): Promise<Child> {
  const child = await startMain(t, 'worker', { ...serverEnv(databaseUrl), WORKER_PORT: '0', ...env })
  await child.printed(/Server listening/, startMs)
  return child
}
