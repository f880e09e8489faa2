import * as given from './given.js'
import { take, takeObject } from './given.js'
import { type RouteLimiterOptions, resolveLimits } from './options.js'
import { checkCost, checkDifferent, limitKeys, type ResolvedPolicy } from './policy.js'

/** What is asked of a route's requests: policies of the plugin, and of its own. */
export interface RoutePolicies {
  inherited: ResolvedPolicy[]
  own: ResolvedPolicy[]
}

/**
 * A route's policies take the place of the plugin's of the same name, and stand beside the others.
 * @throws ERR_LIMITER_OPTION
 * @throws ERR_LIMITER_UNKNOWN_OPTION
 */
export function resolveRoute(
  where: string,
  config: RouteLimiterOptions | false | undefined,
  { policies, isShadow }: { policies: readonly ResolvedPolicy[]; isShadow: boolean },
): RoutePolicies {
  if (config === undefined) return { inherited: [...policies], own: [] }
  if (config === false) return { inherited: [], own: [] }
  takeObject(where, config, [...limitKeys, 'policies', 'inherit'])
  const { inherit, ...rest } = config
  const { cost, ...limits } = rest as { cost?: ResolvedPolicy['cost'] }
  const isLimit = Object.keys(limits).some((key) => key !== 'policies')
  // A cost beside policies, or alone, is that of all of them.
  const costOfAll = isLimit ? undefined : take(`${where}.cost`, cost, given.orCallable(given.cost))
  const withCost = (policy: ResolvedPolicy) => {
    if (costOfAll === undefined || policy.settle) return policy
    checkCost(`${where}.cost`, costOfAll, policy)
    return { ...policy, cost: costOfAll }
  }
  const own = resolveLimits(where, isLimit ? rest : limits).map((policy) =>
    isShadow ? { ...policy, isShadow } : policy,
  )
  const isOwn = ({ name }: ResolvedPolicy) => own.some((policy) => policy.name === name)
  const inherited = take(`${where}.inherit`, inherit, given.flag, true)
    ? policies.filter((policy) => !isOwn(policy))
    : []
  checkDifferent(where, [...inherited, ...own])
  return { inherited: inherited.map(withCost), own: own.map(withCost) }
}
