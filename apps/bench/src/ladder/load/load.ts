import { execFileSync } from 'node:child_process'
import { loadByAutocannon } from './autocannon.js'
import { loadByWrk } from './wrk.js'

export const connections = 64

/** What a load generator saw. */
export interface LoadResult {
  answered: number
  seconds: number
  p50Ms: number
  p99Ms: number
  /** Connections refused or broken, requests without an answer, answers that are no redirect. */
  errors: number
}

export interface LoadOptions {
  /** From so many clients in turn. */
  clients: number
  /**
   * Counts every answer but 302 as an error. Otherwise wrk does so from 400 up: to look at each answer in its script would
   * make it the slower of the two.
   */
  isStrict?: boolean
}

/** Asks for a redirect again and again, on 64 connections. */
export type Load = (url: URL, seconds: number, options: LoadOptions) => Promise<LoadResult>

export interface LoadGenerator {
  name: 'wrk' | 'autocannon'
  /** wrk's; autocannon is a package, listed with the others. */
  version?: string
  load: Load
}

/** wrk, which can keep any of these servers busy, where it is installed; else autocannon. */
export function findLoadGenerator(): LoadGenerator {
  const version = wrkVersion()
  return version ? { name: 'wrk', version, load: loadByWrk } : { name: 'autocannon', load: loadByAutocannon }
}

function wrkVersion(): string | undefined {
  try {
    execFileSync('wrk', ['--version'], { stdio: 'pipe' })
    return
  } catch (error) {
    // It prints its version and then fails.
    return /^wrk (\S+)/.exec(String((error as { stdout?: Buffer }).stdout ?? ''))?.[1]
  }
}
