import { decideApart } from './apart.js'
import type { Claim } from './claim.js'
import { Deadlines } from './deadlines.js'
import { answersPerKey, type Script, script } from './script.js'

/** What is called of a client of ioredis, or of its Cluster. */
export interface RedisLike {
  /** As ioredis tells it; without, every call is tried. */
  readonly status?: string
  /** As that of ioredis tells it. */
  readonly isCluster?: boolean
  evalsha(sha: string, keyCount: number, ...rest: (string | number)[]): Promise<unknown>
  eval(script: string, keyCount: number, ...rest: (string | number)[]): Promise<unknown>
  del(...keys: string[]): Promise<unknown>
}

/** States of a client in which it would only keep what it is asked, and carry it out at some later time. */
const away = ['close', 'reconnecting', 'disconnecting', 'end']

/** Counters in Redis. Each decision is one call, which is answered, has failed, or is given up at its deadline. */
export class RedisStore {
  readonly #client: RedisLike
  readonly #deadlines: Deadlines
  /** Calls that were made. */
  calls = 0
  /** When it decided last, by the clock of Redis. */
  nowUs = 0

  constructor(client: RedisLike, timeoutMs: number) {
    this.#client = client
    this.#deadlines = new Deadlines(timeoutMs)
  }

  /**
   * As that of memory. What has failed may have been carried out, or may be later: it is not tried again. The only exception is
   * a script that Redis does not know, which is certain not to have run.
   */
  decide(claims: readonly Claim[], done: (error: unknown, isOk: boolean) => void): void {
    const isApart = this.#client.isCluster === true && claims.some(({ key }) => key !== claims[0]!.key)
    if (isApart) decideApart(claims, (some, answered) => this.#decide(some, answered), done)
    else this.#decide(claims, done)
  }

  #decide(claims: readonly Claim[], done: (error: unknown, isOk: boolean) => void): void {
    const rest: (string | number)[] = claims.map(({ bucket, key }) => keyOf(bucket.prefix, key))
    for (const { bucket, limit, burst, need, charge, isShadow } of claims) {
      rest.push(bucket.algorithm, limit, bucket.windowUs, burst, need, charge, isShadow ? 1 : 0)
    }
    this.run(script, claims.length, rest, (error, answer) =>
      done(error, error === undefined && this.#read(numbersOf(answer), claims)),
    )
  }

  /** @param rest keys, and then arguments */
  run(
    { text, sha }: Script,
    keyCount: number,
    rest: (string | number)[],
    done: (error: unknown, answer?: unknown) => void,
  ): void {
    const call = (how: 'evalsha' | 'eval', what: string) => {
      this.calls++
      return this.#client[how](what, keyCount, ...rest)
    }
    this.#within(
      () => call('evalsha', sha),
      (error) => (isUnknownScript(error) ? call('eval', text) : undefined),
      done,
    )
  }

  reset(prefix: string, key: string, done: (error: unknown) => void): void {
    this.calls++
    this.#within(() => this.#client.del(keyOf(prefix, key)), undefined, done)
  }

  stop(): void {
    this.#deadlines.stop()
  }

  #within(
    call: () => Promise<unknown>,
    again: ((error: unknown) => Promise<unknown> | undefined) | undefined,
    done: (error: unknown, answer?: unknown) => void,
  ): void {
    const { status } = this.#client
    if (status !== undefined && away.includes(status)) {
      done(new Error(`the client of Redis is in the state "${status}"`))
      return
    }
    const pending = this.#deadlines.add(done)
    const succeed = (answer: unknown) => this.#deadlines.settle(pending, undefined, answer)
    const fail = (error: unknown) => this.#deadlines.settle(pending, error ?? new Error('it failed'), undefined)
    const failed = (error: unknown) => {
      const second = pending.isOver ? undefined : again?.(error)
      if (second) second.then(succeed, fail)
      else fail(error)
    }
    try {
      call().then(succeed, failed)
    } catch (error) {
      fail(error)
    }
  }

  #read(answer: number[], claims: readonly Claim[]): boolean {
    this.nowUs = answer[0]!
    claims.forEach((claim, i) => {
      const at = 2 + i * answersPerKey
      claim.isOk = answer[at] === 1
      claim.remaining = answer[at + 1]!
      claim.retryUs = answer[at + 2]!
      claim.resetUs = answer[at + 3]!
    })
    return answer[1] === 1
  }
}

/** What a script has answered: a client with `stringNumbers` gives texts. */
export function numbersOf(answer: unknown): number[] {
  const all = answer as (number | string)[]
  return typeof all[0] === 'number' ? (all as number[]) : all.map(Number)
}

/** In braces, by which a Cluster finds the slot of a key: the counters of one subject lie together. */
export function keyOf(prefix: string, key: string): string {
  // Redis has UTF-8, in which halves of surrogate pairs would all be the same.
  return /\p{Surrogate}/u.test(key) ? `${prefix}!{${Buffer.from(key, 'utf16le').toString('hex')}}` : `${prefix}{${key}}`
}

function isUnknownScript(error: unknown): boolean {
  return String((error as Error | null)?.message).startsWith('NOSCRIPT')
}
