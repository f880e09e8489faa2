import { pause } from './clock.js'
import type { RedisNames } from './keys.js'
import type { SubscriberLike } from './redis-like.js'

/** An invalidation, as it is told. */
export interface Message {
  number: number
  sender: string
  isToConfirm: boolean
  /** `k` and a key, or a stamp. */
  items: string[]
}

export interface BackplaneListener {
  onMessage(message: Message): void
  onAcknowledgement(instance: string, number: number): void
  onReconnect(): void
}

const retryMs = 500

/** Hears what other instances have invalidated. That it hears all is not its business: sync.ts counts. */
export class Backplane {
  isSubscribed = false
  readonly #subscriber: SubscriberLike
  readonly #isOwn: boolean
  readonly #channel: string
  readonly #acknowledgements: string
  readonly #listener: BackplaneListener
  #isClosed = false

  constructor(
    { subscriber, isOwn }: { subscriber: SubscriberLike; isOwn: boolean },
    names: RedisNames,
    instance: string,
    listener: BackplaneListener,
  ) {
    this.#subscriber = subscriber
    this.#isOwn = isOwn
    this.#channel = names.channel
    this.#acknowledgements = names.acknowledgements(instance)
    this.#listener = listener
    if (isOwn) subscriber.on('error', this.#onError) // from the beginning, or ioredis prints them
  }

  async start(): Promise<void> {
    this.#subscriber.on('message', this.#onMessage)
    this.#subscriber.on('ready', this.#onReady)
    while (!this.#isClosed && !this.isSubscribed) {
      try {
        await this.#subscriber.subscribe(this.#channel, this.#acknowledgements)
        this.isSubscribed = true
      } catch {
        await pause(retryMs)
      }
    }
  }

  /** Makes a new connection, where this one seems to bring nothing any more. */
  reconnect(): void {
    if (this.isSubscribed) this.#subscriber.disconnect(true)
  }

  async stop(): Promise<void> {
    this.#isClosed = true
    this.#subscriber.off('message', this.#onMessage)
    this.#subscriber.off('ready', this.#onReady)
    if (this.#isOwn) this.#subscriber.disconnect()
    else if (this.isSubscribed) {
      // Of a server that does not answer, it is not waited for.
      await Promise.race([this.#unsubscribe(), pause(retryMs)])
    }
  }

  async #unsubscribe(): Promise<void> {
    await this.#subscriber.unsubscribe(this.#channel, this.#acknowledgements).catch(() => {})
  }

  #onMessage = (channel: string, text: string): void => {
    try {
      if (channel === this.#channel) {
        const [number, sender, isToConfirm, items] = JSON.parse(text) as [number, string, number, string[]]
        this.#listener.onMessage({ number, sender, isToConfirm: isToConfirm === 1, items })
      } else if (channel === this.#acknowledgements) {
        const [instance, number] = JSON.parse(text) as [string, number]
        this.#listener.onAcknowledgement(instance, number)
      }
    } catch {
      // Not one of ours; if it stands for one of ours, its number is missing.
    }
  }

  #onReady = (): void => {
    if (this.isSubscribed) this.#listener.onReconnect()
  }

  /** ioredis tries again; the beat notices what is missed. */
  #onError = (): void => {}
}
