import type { Claim } from './claim.js'

type Done = (error: unknown, isOk: boolean) => void

/**
 * On a Cluster the counters of each subject lie in a slot of their own, and no script reaches two of them. So all are asked first, and
 * charged once all have room. Where another request is quicker in between, what was charged elsewhere stays charged: to take it back
 * could give somebody what he has not paid for, if that slot has lost it meanwhile.
 */
export function decideApart(
  claims: readonly Claim[],
  decide: (claims: readonly Claim[], done: Done) => void,
  done: Done,
): void {
  const keys = [...new Set(claims.map(({ key }) => key))]
  const groups = keys.map((key) => claims.filter((claim) => claim.key === key))
  const charges = claims.map(({ charge }) => charge)
  for (const claim of claims) claim.charge = 0
  decideAll(groups, decide, (error, isOk) => {
    for (const [i, claim] of claims.entries()) claim.charge = charges[i]!
    if (error !== undefined || !isOk || charges.every((charge) => charge === 0)) done(error, isOk)
    else decideAll(groups, decide, done)
  })
}

function decideAll(groups: Claim[][], decide: (claims: readonly Claim[], done: Done) => void, done: Done): void {
  let pending = groups.length
  let failure: unknown
  let isMet = true
  for (const group of groups) {
    decide(group, (error, isOk) => {
      failure ??= error
      isMet &&= isOk
      if (--pending === 0) done(failure, isMet && failure === undefined)
    })
  }
}
