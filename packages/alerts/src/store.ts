import { rankOf } from './alert.js'
import type { Incident } from './incident.js'
import { packSilence, type Silence } from './silences.js'
import type { Spool } from './spool/spool.js'

/** Why an incident, or what was to be told of it, was given up. */
export type DropReason = 'full' | 'age' | 'corrupt' | 'invalid' | 'suppressed'

const idOf = (key: string) => `i:${key}`

/** All incidents that live, in memory, and on disk where there is a spool. The least severe, then the oldest, make room. */
export class IncidentStore {
  readonly #incidents = new Map<string, Incident>()
  readonly #mostIncidents: number
  readonly #spool: Spool | undefined
  readonly #onDropped: (incident: Incident) => void

  constructor(mostIncidents: number, spool: Spool | undefined, onDropped: (incident: Incident) => void) {
    this.#mostIncidents = mostIncidents
    this.#spool = spool
    this.#onDropped = onDropped
  }

  get(key: string): Incident | undefined {
    return this.#incidents.get(key)
  }

  get all(): Iterable<Incident> {
    return this.#incidents.values()
  }

  get size(): number {
    return this.#incidents.size
  }

  /** Resolves once it is on disk, or as safe as it can be. It may be dropped at once. */
  save(incident: Incident): Promise<void> {
    this.#incidents.set(incident.key, incident)
    while (this.#isFull(incident)) {
      const victim = this.#leastOfAll()
      this.remove(victim.key)
      this.#onDropped(victim)
      if (victim === incident) return Promise.resolve()
    }
    return this.#write((spool) => spool.journal.set(idOf(incident.key), incident))
  }

  /** Resolves once all that was saved so far is written. */
  whenWritten(): Promise<void> {
    return this.#spool?.journal.whenWritten() ?? Promise.resolve()
  }

  remove(key: string): void {
    this.#incidents.delete(key)
    this.#write((spool) => spool.journal.delete(idOf(key)))
  }

  saveSilence(silence: Silence): Promise<void> {
    return this.#write((spool) => spool.journal.set(silence.id, packSilence(silence)))
  }

  removeSilence(id: string): void {
    this.#write((spool) => spool.journal.delete(id))
  }

  #isFull(incident: Incident): boolean {
    if (this.#incidents.size > this.#mostIncidents) return true
    const journal = this.#spool?.journal
    return journal !== undefined && journal.liveBytesWith(idOf(incident.key), incident) > journal.mostLiveBytes
  }

  #leastOfAll(): Incident {
    let least: Incident | undefined
    for (const incident of this.#incidents.values()) {
      if (!least || rankOf(incident.alert.severity) < rankOf(least.alert.severity)) least = incident
    }
    return least! // a Map keeps the order: the oldest of them
  }

  async #write(act: (spool: Spool) => Promise<void>): Promise<void> {
    if (!this.#spool) return
    try {
      await act(this.#spool)
      this.#spool.worked()
    } catch (error) {
      this.#spool.failed(error)
    }
  }
}
