import type { EntryOptions, ResolvedEntryOptions } from './entry-options.js'
import type { Entry } from './memory.js'

/** What a loader is told. */
export interface LoadContext {
  /** Aborts when nobody waits for it any more: at `hardTimeoutMs`, or when the cache closes. */
  signal: AbortSignal
  /** The value that is past its time, if there is one. */
  stale: unknown
  /** Changes how this value is kept, by what the loader has found. */
  set(options: EntryOptions): void
}

export type Loader<T> = (context: LoadContext) => T | Promise<T>

/** How a flight ended. */
export interface Landing {
  from: 'l2' | 'load' | 'stale'
  entry: Entry
  /** An invalidation came before its end: who asked after that must ask again. */
  isVoid: boolean
}

/** A read, as it is asked for. */
export interface Request {
  key: string
  namespace: string
  load: Loader<unknown>
  options: ResolvedEntryOptions
}

/** Something under way that an invalidation of the key makes worthless. */
export interface Voidable {
  isVoid: boolean
}

/** One read past memory, which all who ask for the key meanwhile share. */
export class Flight implements Voidable {
  readonly request: Request
  /** The state of the stamps when it began. */
  readonly epoch: number
  /** Set where nobody waits for it: the version of the value that is to be replaced. */
  readonly replaces: string | undefined
  /** What may be served if it fails or takes long. */
  stale: Entry | undefined
  isVoid = false
  #landing: Promise<Landing> | undefined
  #land: ((landing: Landing | Promise<Landing>) => void) | undefined

  constructor(request: Request, epoch: number, stale: Entry | undefined, replaces: string | undefined) {
    this.request = request
    this.epoch = epoch
    this.stale = stale
    this.replaces = replaces
  }

  /** For those who join; most flights have one caller, who needs none. */
  get landing(): Promise<Landing> {
    this.#landing ??= new Promise((resolve) => {
      this.#land = resolve
    })
    return this.#landing
  }

  land(landing: Landing | Promise<Landing>): void {
    if (this.#land) this.#land(landing)
    else if (landing instanceof Promise) this.#landing = landing
  }
}
