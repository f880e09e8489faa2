import * as given from './given.js'
import { PolicyTexts } from './headers.js'
import type { ResolvedPolicy } from './policy.js'
import type { Bucket, Buckets } from './stores/bucket.js'

/** A policy together with its counters: in one place, for instance on one route, or all over its group. */
export interface PlacedPolicy extends ResolvedPolicy {
  bucket: Bucket
  texts: PolicyTexts
}

/** Where policies count. The same place is the same in every instance, and after a restart. */
export type Place = readonly [kind: 'plugin', prefix: string] | readonly [kind: 'route' | 'hook', methodAndUrl: string]

/** Gives policies their counters. */
export class Places {
  readonly #buckets: Buckets
  readonly #onEscalate: () => void
  readonly #groups = new Map<string, ResolvedPolicy>()

  /** @param onEscalate called for each policy that bans */
  constructor(buckets: Buckets, onEscalate: () => void) {
    this.#buckets = buckets
    this.#onEscalate = onEscalate
  }

  /** @throws ERR_LIMITER_OPTION if others of its group count in another way */
  put(policies: readonly ResolvedPolicy[], place: Place): PlacedPolicy[] {
    return policies.map((policy) => {
      const { name, limit, algorithm, windowMs, group, lease, escalate } = policy
      if (escalate) this.#onEscalate()
      if (group !== undefined) this.#check(group, policy)
      const scope = group === undefined ? [...place, name] : ['group', group]
      const bucket = this.#buckets.of(algorithm, windowMs, scope, lease)
      return { ...policy, bucket, texts: new PolicyTexts(name, windowMs, limit) }
    })
  }

  #check(group: string, { algorithm, windowMs }: ResolvedPolicy): void {
    const first = this.#groups.get(group)
    if (first && (first.algorithm !== algorithm || first.windowMs !== windowMs)) {
      const must = `of the algorithm '${first.algorithm}' and a window of ${first.windowMs} ms, as the others of group '${group}'`
      given.fail(`a policy of group '${group}'`, must, { algorithm, windowMs })
    }
    this.#groups.set(group, first ?? ({ algorithm, windowMs } as ResolvedPolicy))
  }
}
