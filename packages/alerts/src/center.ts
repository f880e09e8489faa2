import { type Alert, keyOf } from './alert.js'
import type { ResolvedChannel } from './channels/channel.js'
import type { Claim } from './claim/claim.js'
import type { Clock } from './clock.js'
import { Counts } from './counts.js'
import type { Batch } from './delivery/batch.js'
import type { Desk } from './delivery/desk.js'
import type { Failure } from './delivery/failure.js'
import { Lane } from './delivery/lane.js'
import { isDone, type Policy } from './due.js'
import { type AlertEvents, Events } from './events.js'
import { joinFound } from './found.js'
import type { Incident } from './incident.js'
import type { Log } from './log.js'
import type { Sender } from './notification.js'
import type { ResolvedAlertsOptions } from './options.js'
import { wayOf } from './routes.js'
import { Silences } from './silences.js'
import { Spool } from './spool/spool.js'
import { type DropReason, IncidentStore } from './store.js'

/** Whether a text is told by itself to be a secret: short ones, and short paths, are words of messages too. */
const isTelling = (secret: string) => secret.length >= (secret.startsWith('/') ? 20 : 8)

/** Keeps what is wrong, and has each channel told of it. It knows nothing of HTTP. */
export class Center implements Desk {
  readonly clock: Clock
  readonly claim: Claim
  readonly sender: Sender
  readonly random: () => number
  readonly groupMs: number
  readonly perMinute: number
  readonly maxAgeMs: number
  readonly counts: Counts = new Counts()
  readonly events: Events
  readonly silences: Silences = new Silences()
  readonly store: IncidentStore
  readonly lanes: Lane[]
  readonly spool: Spool | undefined
  /** What no message may show. */
  readonly secrets: readonly string[]
  readonly log: Log
  readonly #options: ResolvedAlertsOptions
  readonly #found = new WeakSet<Incident>()
  readonly #ended = new WeakSet<Incident>()
  readonly #cancels = new Set<() => void>()

  constructor(
    options: ResolvedAlertsOptions,
    claim: Claim,
    clock: Clock,
    log: Log,
    random: () => number = Math.random,
  ) {
    this.#options = options
    this.clock = clock
    this.claim = claim
    this.log = log
    this.random = random
    this.sender = { service: options.service, release: options.release }
    this.groupMs = options.groupMs
    this.perMinute = options.perMinute
    this.maxAgeMs = options.spool?.maxAgeMs ?? options.maxAgeMs
    this.events = new Events(log)
    this.spool = options.spool && new Spool(options.spool, options.service, log)
    this.secrets = [options.heartbeat?.url ?? '', ...options.channels.flatMap((each) => each.secrets)].filter(isTelling)
    this.store = new IncidentStore(options.maxIncidents, this.spool, (incident) => this.dropped(incident, 'full'))
    this.lanes = options.channels.map((channel) => new Lane(channel, this))
  }

  /** @throws ERR_ALERTS_SPOOL */
  async open(): Promise<void> {
    await this.spool?.open((entries, lostBytes) => joinFound(this, entries, lostBytes))
    this.claim.start((key, channel, atMs) => this.#toldOver(key, channel, atMs))
  }

  fire(alert: Alert): { key: string; saved: Promise<void> } {
    const key = keyOf(this.sender.service, alert)
    const nowMs = this.clock.nowMs()
    const known = this.store.get(key)
    if (!known) {
      const incident: Incident = { key, alert, startsAtMs: nowMs, changedAtMs: nowMs, told: {} }
      this.counts.fired++
      this.events.emit('fired', { key, name: alert.name, severity: alert.severity })
      return { key, saved: this.#changed(incident) }
    }
    const hasChanged = known.endsAtMs !== undefined || known.alert.severity !== alert.severity
    if (known.alert.severity !== alert.severity) delete known.isAcknowledged
    if (this.#ended.delete(known)) {
      known.startsAtMs = nowMs // it was told to be over: this is another one
      this.counts.fired++
      this.events.emit('fired', { key, name: alert.name, severity: alert.severity })
    }
    known.alert = alert
    if (!hasChanged) return { key, saved: this.store.whenWritten() }
    delete known.endsAtMs
    known.changedAtMs = nowMs
    return { key, saved: this.#changed(known) }
  }

  /** @returns undefined where it does not fire */
  resolve(key: string): Promise<void> | undefined {
    const incident = this.store.get(key)
    if (!incident || incident.endsAtMs !== undefined) return undefined
    incident.endsAtMs = this.clock.nowMs()
    incident.changedAtMs = incident.endsAtMs
    this.claim.letGo(key)
    const saved = this.store.save(incident)
    for (const lane of this.lanes) lane.look(incident)
    this.#later(this.#options.settleMs, () => this.#settle(incident))
    return saved
  }

  acknowledge(key: string): Promise<void> | undefined {
    const incident = this.store.get(key)
    if (!incident) return undefined
    incident.isAcknowledged = true
    this.claim.acknowledge(key)
    return this.store.save(incident)
  }

  /** Looks at everything anew once a silence is over. */
  lookAgainAt(atMs: number): void {
    this.#later(Math.max(0, atMs - this.clock.nowMs()), () => {
      for (const id of this.silences.prune(this.clock.nowMs())) this.store.removeSilence(id)
      for (const incident of this.store.all) for (const lane of this.lanes) lane.look(incident)
    })
  }

  /** An earlier process has left it. */
  adopt(incident: Incident): Promise<void> {
    this.#found.add(incident)
    if (incident.endsAtMs !== undefined) this.#later(this.#options.settleMs, () => this.#settle(incident))
    return this.#changed(incident)
  }

  /** Tries to tell what is still to tell; what is left is in the spool. */
  async flush(): Promise<void> {
    const untilMs = this.clock.nowMs() + this.#options.flushMs
    // Other timers keep no process alive; one of the same length might end just before them.
    const awake = setInterval(() => {}, this.#options.flushMs)
    let cancel = () => {}
    const isOver = new Promise<void>((resolve) => {
      cancel = this.clock.after(this.#options.flushMs, resolve)
    })
    await Promise.race([Promise.all(this.lanes.map((lane) => lane.flush(untilMs))), isOver])
    cancel()
    clearInterval(awake)
    await this.claim.close(this.spool !== undefined)
  }

  async close(): Promise<void> {
    for (const lane of this.lanes) lane.stop()
    for (const cancel of this.#cancels) cancel()
    const left = this.lanes.reduce((sum, { batches }) => sum + batches.length, 0)
    if (left > 0 && this.spool) this.log.info({ messages: left }, 'alerts: what is not delivered is left in the spool')
    else if (left > 0) this.log.warn({ messages: left }, 'alerts: not delivered, and there is no spool to leave it in')
    await Promise.allSettled(this.lanes.map(async ({ channel }) => channel.close?.()))
    await this.spool?.close()
  }

  get incidents(): Iterable<Incident> {
    return this.store.all
  }

  incidentOf(key: string): Incident | undefined {
    return this.store.get(key)
  }

  isFound(incident: Incident): boolean {
    return this.#found.has(incident)
  }

  policyOf(incident: Incident, { name, minSeverity }: ResolvedChannel): Policy {
    const { channels, repeatMs } = wayOf(incident.alert, this.#options.routes)
    return {
      minSeverity,
      settleMs: this.#options.settleMs,
      repeatMs: incident.alert.repeatMs ?? repeatMs,
      isSilenced: this.silences.has(incident.alert, this.clock.nowMs()),
      isRouted: channels?.includes(name) ?? true,
    }
  }

  groupOf({ alert }: Incident): string {
    const { groupBy } = wayOf(alert, this.#options.routes)
    return JSON.stringify(groupBy.map((label) => alert.labels[label] ?? ''))
  }

  told(incident: Incident): void {
    if (this.store.get(incident.key) !== incident) return // it had to make room
    void this.store.save(incident)
    this.#settle(incident)
  }

  delivered({ name }: ResolvedChannel, details: Omit<AlertEvents['delivered'], 'channel'>): void {
    this.counts.of(name).delivered++
    this.events.emit('delivered', { channel: name, ...details })
  }

  failed({ name }: ResolvedChannel, batch: Batch, id: string, failure: Failure, isFirst: boolean): void {
    const { reason, isFinal } = failure
    const keys = batch.items.map(({ incident }) => incident.key)
    this.counts.of(name).failed++
    this.events.emit('failed', { channel: name, id, keys, attempts: batch.attempts, isFinal, reason })
    const details = { channel: name, id, alerts: keys.length, reason }
    if (!isFinal) {
      if (isFirst) this.log.warn(details, `alerts: ${name} fails; it is tried again until it works`)
      return
    }
    this.counts.of(name).refused++
    this.log.error(details, `alerts: ${name} has refused a message for good; it is among the dead letters`)
    const alerts = batch.items.map(({ incident, kind }) => ({ key: incident.key, kind, ...incident.alert }))
    const at = new Date(this.clock.nowMs()).toISOString()
    this.spool?.deadLetters
      .add({ at, service: this.sender.service, channel: name, id, reason, alerts })
      .catch((error) => this.spool?.failed(error))
  }

  recovered({ name }: ResolvedChannel): void {
    this.log.info({ channel: name }, `alerts: ${name} works again`)
  }

  dropped({ key, alert }: Incident, reason: DropReason, channel?: string): void {
    this.counts.dropped[reason]++
    if (reason === 'full') this.claim.letGo(key)
    this.events.emit('dropped', { reason, key, ...(channel !== undefined && { channel }) })
    if (reason === 'suppressed') return // its number is told, in the channel itself
    this.log.error({ alert: alert.name, severity: alert.severity, key, channel }, `alerts: dropped (${reason})`)
  }

  failedInside(err: unknown): void {
    this.log.error({ err }, 'alerts: a fault of its own; the channel goes on')
  }

  /** Another process has told its end, and could not know that this one still sees it: it is told again. */
  #toldOver(key: string, channel: string, atMs: number): void {
    const incident = this.store.get(key)
    const told = incident?.told[channel]
    if (!incident || incident.endsAtMs !== undefined || told?.status !== 'firing' || told.atMs >= atMs) return
    delete incident.told[channel]
    void this.#changed(incident)
  }

  #later(ms: number, act: () => void): void {
    const cancel = this.clock.after(ms, () => {
      this.#cancels.delete(cancel)
      act()
    })
    this.#cancels.add(cancel)
  }

  #changed(incident: Incident): Promise<void> {
    const saved = this.store.save(incident)
    if (this.store.get(incident.key) !== incident) return saved // there was no room for it
    if (incident.endsAtMs === undefined) this.claim.hold(incident)
    for (const lane of this.lanes) lane.look(incident)
    return saved
  }

  /** Says once that it is over, and forgets it as soon as every channel knows. */
  #settle(incident: Incident): void {
    const nowMs = this.clock.nowMs()
    const { endsAtMs, startsAtMs, key, alert } = incident
    if (endsAtMs === undefined || this.store.get(key) !== incident) return
    const { lanes } = this
    const knows = (lane: Lane) =>
      lane.isGone || isDone(incident, lane.channel.name, this.policyOf(incident, lane.channel), nowMs)
    const isKnown = lanes.every(knows)
    const isSettled = nowMs >= endsAtMs + this.#options.settleMs
    if ((isSettled || isKnown) && !this.#ended.has(incident)) {
      this.#ended.add(incident)
      this.counts.resolved++
      this.events.emit('resolved', { key, name: alert.name, durationMs: endsAtMs - startsAtMs })
    }
    if (isKnown) this.store.remove(key)
  }
}
