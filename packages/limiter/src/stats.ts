/** What became of requests, counted. */
export interface LimiterStats {
  /** By what became of them; each request once. */
  requests: {
    allowed: number
    exceeded: number
    /** On the deny list. */
    denied: number
    /** On the allow list. */
    exempt: number
    /** 403: their key was banned. */
    banned: number
    /** 503: their limit could not be checked. */
    unavailable: number
  }
  /** How often each policy was exceeded, and how often it would have been, in shadow mode. */
  exceeded: Record<string, number>
  shadowed: Record<string, number>
  /** Requests that are waiting, and those that had to. */
  waiting: number
  delayed: number
  /** Slots that requests of this process hold. */
  slots: number
  /** Keys that are banned. */
  bans: number
  /** Functions of policies that threw, or gave what can't be used. */
  faults: number
  /** Keys in memory; those that had to go for new ones while they still counted. */
  keys: number
  evictions: number
  redis?: {
    isDegraded: boolean
    calls: number
    failures: number
    /** Decisions that were made without Redis, because it does not answer. */
    fallbacks: number
    /** Decisions on keys that are known to be blocked, for which Redis was not asked. */
    known: number
    blockedKeys: number
    /** Of policies with `lease`. */
    leases: {
      /** Keys of which tokens are held, or were a moment ago. */
      keys: number
      /** Claims that were met at once by tokens that were there; requests that had to wait for some. */
      local: number
      waits: number
      /** Calls to Redis for more, and those that only gave some back. */
      refills: number
      returns: number
    }
  }
}

/** The counters themselves. */
export class Counts {
  readonly requests: LimiterStats['requests'] = {
    allowed: 0,
    exceeded: 0,
    denied: 0,
    exempt: 0,
    banned: 0,
    unavailable: 0,
  }
  readonly exceeded: Record<string, number> = {}
  readonly shadowed: Record<string, number> = {}
  delayed = 0
  faults = 0
}
