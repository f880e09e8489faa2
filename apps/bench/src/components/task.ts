/** What the parent tells the process that measures one subject. */
export interface Task {
  /** The folder of the bench, such as `limiter`. */
  bench: string
  /** The module in it that has the subject, such as `rate-limiter-flexible`. */
  subject: string
  /** Which of the bench's comparisons. */
  comparison: string
  /** What the subject is to be made with. */
  options: Record<string, unknown>
  seconds: number
  /** Of its keys in Redis. */
  prefix: string
  redisUrl?: string | undefined
  /** For its files. */
  folder: string
}
