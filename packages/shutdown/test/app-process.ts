import { type Child, type FixtureOptions, forkFixture } from '@steadfast/testing'
import type { Test } from 'tap'
import type { ShutdownReport } from '../src/index.js'
import type { AppRequest } from './fixtures/app.js'

export interface AppProcess {
  child: Child
  /** `host:port` of each app. */
  addresses: string[]
  /** Of the first. */
  url: string
  reports(): ShutdownReport[]
}

/** Starts fixtures/app.ts, for as long as the test, once it listens. */
export async function startApp(t: Test, request: AppRequest = {}, options: FixtureOptions = {}): Promise<AppProcess> {
  const child = await forkFixture(new URL('./fixtures/app.js', import.meta.url), {
    ...options,
    args: [JSON.stringify(request)],
  })
  t.teardown(() => child.release())
  const [, text = ''] = await child.printed(/listening (.*)/)
  const addresses = text.split(' ')
  return {
    child,
    addresses,
    url: `http://${addresses[0]}`,
    reports: () => child.reports<ShutdownReport>().filter((value) => 'clean' in value),
  }
}
