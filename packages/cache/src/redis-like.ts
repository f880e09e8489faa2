/** What is called of a client of ioredis, or of its Cluster. */
export interface RedisLike {
  readonly isCluster?: boolean
  readonly options?: { keyPrefix?: string | undefined; db?: number | undefined }
  get(key: string): Promise<string | null>
  mget(...keys: string[]): Promise<(string | null)[]>
  set(key: string, value: string, unit: 'PX', ms: number): Promise<unknown>
  unlink(...keys: string[]): Promise<unknown>
  zmscore(key: string, ...members: string[]): Promise<(string | null)[]>
  evalsha(sha: string, keyCount: number, ...args: (string | number)[]): Promise<unknown>
  eval(script: string, keyCount: number, ...args: (string | number)[]): Promise<unknown>
  publish(channel: string, message: string): Promise<unknown>
  /** Gives the connection for the backplane, where none is passed in. */
  duplicate?(): SubscriberLike
}

/** What is called of the client that hears of other instances' invalidations. It can do nothing else. */
export interface SubscriberLike {
  subscribe(...channels: string[]): Promise<unknown>
  unsubscribe(...channels: string[]): Promise<unknown>
  on(event: string, listener: (...args: string[]) => void): unknown
  off(event: string, listener: (...args: string[]) => void): unknown
  disconnect(reconnect?: boolean): void
}
