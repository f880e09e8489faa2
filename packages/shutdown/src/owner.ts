/** An app that listens, as the owner of the process's signals sees it. */
export interface Member {
  /** None: the app's own handler begins its shutdown. */
  readonly signals: readonly NodeJS.Signals[]
  readonly secondSignal: 'force' | 'ignore'
  readonly onUncaught: 'drain' | 'exit'
  readonly onRejection: 'drain' | 'log'
  /** Whether its parent's message 'shutdown' ends the process. */
  readonly hearsMessages: boolean
  /** Shuts down; whether that went well. Never rejects. */
  end(reason: string): Promise<boolean>
  /** Has an error in its report. */
  note(error: unknown): void
  say(level: 'warn' | 'error' | 'fatal', details: Record<string, unknown>, message: string): void
}

type Handler = (value: unknown) => void

/**
 * The one owner of the process's signals: it drains every app that listens, and exits once, after all of them. Nothing is
 * installed while none listens.
 */
class Owner {
  /** Warnings that were given, each once. */
  readonly warned: Set<string> = new Set()
  readonly #members = new Set<Member>()
  readonly #installed = new Map<string, Handler>()
  #isEnding = false

  add(member: Member): void {
    this.#members.add(member)
    this.#install()
  }

  /** While the process ends, everything stays: a second signal would else kill it where it is to be ignored. */
  remove(member: Member): void {
    if (this.#isEnding) return
    this.#members.delete(member)
    this.#install()
  }

  #install(): void {
    const wanted = new Map<string, Handler>()
    for (const { signals, hearsMessages } of this.#members) {
      for (const signal of signals) wanted.set(signal, this.#onSignal)
      if (signals.length > 0) {
        wanted.set('uncaughtException', this.#onUncaught).set('unhandledRejection', this.#onRejection)
      }
      if (hearsMessages && process.send) wanted.set('message', this.#onMessage)
    }
    for (const [event, handler] of this.#installed) {
      if (!wanted.has(event)) process.off(event, handler)
    }
    for (const [event, handler] of wanted) {
      if (!this.#installed.has(event)) process.on(event, handler)
    }
    this.#installed.clear()
    for (const [event, handler] of wanted) this.#installed.set(event, handler)
  }

  readonly #onSignal = (signal: unknown): void => {
    if (!this.#isEnding) return void this.#end(String(signal))
    const isForced = !this.#some(({ secondSignal }) => secondSignal === 'ignore')
    const message = `a second signal, ${signal}: ${isForced ? 'exit at once' : 'the shutdown goes on'}`
    this.#speaker?.say('warn', { signal }, message)
    if (isForced) process.exit(1)
  }

  readonly #onMessage = (message: unknown): void => {
    if (message === 'shutdown' && !this.#isEnding) this.#end('message')
  }

  readonly #onUncaught = (err: unknown): void => {
    this.#fail(err, 'uncaughtException', !this.#isEnding && this.#some(({ onUncaught }) => onUncaught === 'exit'))
  }

  readonly #onRejection = (err: unknown): void => {
    if (this.#some(({ onRejection }) => onRejection === 'drain')) this.#fail(err, 'unhandledRejection', false)
    else this.#speaker?.say('error', { err }, 'unhandledRejection')
  }

  #fail(err: unknown, reason: string, isAtOnce: boolean): void {
    this.#speaker?.say('fatal', { err }, reason)
    for (const member of this.#members) member.note(err)
    if (isAtOnce) process.exit(1)
    if (!this.#isEnding) this.#end(reason)
  }

  async #end(reason: string): Promise<void> {
    this.#isEnding = true
    const ends = new Map<Member, Promise<boolean>>()
    // An app may have begun to listen meanwhile.
    while (ends.size < this.#members.size) {
      for (const member of this.#members) if (!ends.has(member)) ends.set(member, member.end(reason))
      await Promise.all(ends.values())
    }
    const isClean = (await Promise.all(ends.values())).every(Boolean)
    process.exit(isClean ? (process.exitCode ?? 0) : 1)
  }

  get #speaker(): Member | undefined {
    return [...this.#members][0]
  }

  #some(test: (member: Member) => boolean): boolean {
    return [...this.#members].some((member) => member.signals.length > 0 && test(member))
  }
}

const key = Symbol.for('steadfast.shutdown.owner.v1')

/** Copies of this package in one process share it. */
export function processOwner(): Owner {
  const holder = process as { [key]?: Owner }
  holder[key] ??= new Owner()
  return holder[key]
}
