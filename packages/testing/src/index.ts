export {
  type Child,
  type ChildOptions,
  type Exit,
  type FixtureOptions,
  forkFixture,
  report,
  startChild,
} from './child.js'
export * from './contracts/index.js'
export { failuresOn } from './failures-on.js'
export { runFolder } from './keeper/client.js'
export { nodeBinary, nodeMajors } from './node-binary.js'
export type { OwnNode } from './own-server.js'
export { freePort } from './ports.js'
export { type OwnPostgres, type Postgres, startPostgres } from './postgres.js'
export { uniquePrefix } from './prefix.js'
export { isAlive, processesIn } from './processes.js'
export { startProxy, type TcpProxy } from './proxy.js'
export { type Answer, type Received, type Receiver, startReceiver } from './receiver.js'
export {
  type OwnRedis,
  type OwnRedisCluster,
  type Redis,
  type RedisCluster,
  startRedis,
  startRedisCluster,
} from './redis.js'
export { mountDisk, type SmallDisk } from './small-disk.js'
export { findTestTool } from './tool.js'
export { type WaitOptions, waitFor } from './wait-for.js'
