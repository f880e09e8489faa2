import type { Claim } from '../stores/claim.js'
import type { Outcome } from '../stores/shared.js'
import type { Slots } from './slots.js'

type Done = (outcome: Outcome) => void

export const isSlot = ({ bucket }: Claim): boolean => bucket.algorithm === 'concurrency'

/** Slots first, for they can be given back if the limits beside them have no room: all are charged, or none. */
export function decideWithSlots(
  slots: Slots,
  claims: readonly Claim[],
  decideRest: (rest: readonly Claim[], done: Done) => void,
  done: Done,
): void {
  const wanted = claims.filter(isSlot)
  const rest = claims.filter((claim) => !isSlot(claim))
  const end: Done = (outcome) => {
    if (outcome === 'exceeded' || outcome === 'closed') for (const claim of wanted) slots.release(claim)
    done(outcome)
  }
  const next = (i: number): void => {
    const claim = wanted[i]
    if (!claim) {
      if (rest.length > 0) decideRest(rest, end)
      else end('met')
      return
    }
    slots.take(claim, (outcome) => {
      const isOver = outcome === 'exceeded' || outcome === 'closed'
      if (isOver && !claim.isShadow) end(outcome)
      else next(i + 1)
    })
  }
  next(0)
}
