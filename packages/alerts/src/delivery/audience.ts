import type { ResolvedChannel } from '../channels/channel.js'
import { type Due, due, type Policy } from '../due.js'
import type { Incident, Told } from '../incident.js'
import { type Item, isEnd } from '../notification.js'
import type { Batch } from './batch.js'
import type { Desk } from './desk.js'
import { Looks } from './looks.js'

/** How often others keep their right to a message while this process tries again, before it lets them try. */
const attemptsAlone = 3
/** Longer than an attempt takes, so that a right to tell outlasts it. */
const marginMs = 2_000

/** What a channel knows of each incident, what it is still to be told, and who of several processes tells it. */
export class Audience {
  readonly channel: ResolvedChannel
  readonly looks: Looks = new Looks()
  readonly #desk: Desk
  /** What an attempt to tell has failed: its end is not waited for any more. */
  readonly #late = new WeakSet<Incident>()
  #isLast = false
  /** For how long a message waits for others. */
  groupMs: number

  constructor(channel: ResolvedChannel, desk: Desk) {
    this.channel = channel
    this.#desk = desk
    // What can't share a message need not wait for others.
    this.groupMs = channel.batch === 1 ? 0 : desk.groupMs
  }

  /** The app closes: what can be told is told now. */
  hurry(): void {
    this.#isLast = true
    this.groupMs = 0
    for (const { key } of this.#desk.incidents) this.looks.add(key, 0)
  }

  due(incident: Incident, nowMs: number, isAgain = false): Due {
    const isLate = isAgain || this.#isLast || this.#late.has(incident) || this.#desk.isFound(incident)
    return due(incident, this.channel.name, this.#policyOf(incident), nowMs, isLate)
  }

  /** It has been told. @param isOurs whether by this process */
  note({ incident, kind, severity }: Item, status: Told['status'], isOurs = true): void {
    const { name } = this.channel
    const atMs = this.#desk.clock.nowMs()
    incident.told[name] = { status, severity, atMs }
    this.#late.delete(incident)
    if (isOurs) this.#desk.claim.done(incident.key, name, kind, severity)
    this.#desk.told(incident)
    this.looks.add(incident.key, atMs + this.groupMs)
  }

  /** Leaves in a batch what this process has the right to tell. */
  async claim(batch: Batch): Promise<void> {
    const { name, deadlineMs } = this.channel
    const ask = async ({ incident, kind }: Item) => {
      const { repeatMs } = this.#policyOf(incident)
      return this.#desk.claim.ask(incident, name, kind, repeatMs, deadlineMs + marginMs)
    }
    const verdicts = await Promise.all(batch.items.map(ask))
    const nowMs = this.#desk.clock.nowMs()
    batch.items = batch.items.filter((item, index) => {
      const verdict = verdicts[index]!
      if (verdict === 'told') this.note(item, isEnd(item.kind) ? 'resolved' : 'firing', false)
      else if (verdict !== 'go') this.looks.add(item.incident.key, nowMs + verdict.waitMs)
      return verdict === 'go'
    })
  }

  /** An attempt has failed; it is tried again after `waitMs`, by this process, or in the end by any. */
  failed({ items, attempts }: Batch, waitMs: number): void {
    const { name, deadlineMs } = this.channel
    const { claim } = this.#desk
    for (const { incident, kind } of items) {
      this.#late.add(incident)
      if (attempts >= attemptsAlone) claim.giveUp(incident.key, name)
      else void claim.ask(incident, name, kind, undefined, waitMs + deadlineMs + marginMs)
    }
  }

  #policyOf(incident: Incident): Policy {
    const policy = this.#desk.policyOf(incident, this.channel)
    return this.#isLast ? { ...policy, settleMs: 0 } : policy
  }
}
