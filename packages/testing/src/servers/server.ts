/** One server process, as those who use it see it. */
export interface Node {
  /** Where clients connect. */
  url: string
  port: number
  /** The folder its processes work in. */
  folder: string
}

/** Something that runs until it is stopped. */
export interface Started<Info = { nodes: Node[] }> {
  info: Info
  /** Starts a node again on its port and folder, after it ended. */
  restart?(node: number): Promise<void>
  /** Takes back what it holds outside its folder. Processes that are left are killed afterwards. */
  stop(): Promise<void>
}

export interface RedisOptions {
  /** More settings in redis-server's own words, such as `['--appendonly', 'yes']`. */
  args?: string[]
}

export interface RedisClusterOptions {
  /** Default 3, which is also the least that Redis takes. */
  masters?: number
  /** Replicas of each master. Default 0. */
  replicas?: number
}

export interface PostgresOptions {
  /** More settings in PostgreSQL's own words, such as `['-c', 'max_connections=10']`. */
  args?: string[]
}

export interface SmallDiskOptions {
  /** Default 262_144. */
  sizeBytes?: number
}
