/** Who is banned, and from what. */
export interface Subject {
  /** Of the policy's counters: a ban holds wherever they count. */
  readonly prefix: string
  readonly policy: string
  readonly key: string
}

/** What is known of a subject. Times are left from now on. */
export interface Ban extends Subject {
  /** 0: it is not banned any more. */
  leftMs: number
  /** How many led to it. */
  offences: number
  /** Until its offences are forgotten. */
  forgetMs: number
}

/** Bans that are kept, at most. */
export const mostBans = 100_000
