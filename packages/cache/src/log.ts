/** What we need of a logger. */
export interface Log {
  info(details: object, message: string): void
  warn(details: object, message: string): void
}

export const noLog: Log = { info: () => {}, warn: () => {} }
