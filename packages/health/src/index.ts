import type { Health } from './monitor.js'

export type { Access, ProbeRequest } from './access.js'
export type { Probe } from './answer.js'
export type { CheckOptions, CheckResult, HealthCheck } from './check.js'
export { type CpuCheckOptions, cpuCheck } from './checks/cpu.js'
export { type DiskCheckOptions, diskCheck } from './checks/disk.js'
export { type EventLoopCheckOptions, eventLoopCheck } from './checks/event-loop.js'
export { type MemoryCheckOptions, memoryCheck } from './checks/memory.js'
export { type PgLike, type PgPoolLike, pgCheck } from './checks/postgres.js'
export { type RedisLike, redisCheck } from './checks/redis.js'
export type { Health, HealthChange } from './monitor.js'
export type { HealthOptions, LoadOptions } from './options.js'
export { default } from './plugin.js'
export type { CheckStatus, HealthStatus } from './status.js'
export type { Status } from './verdict.js'

declare module 'fastify' {
  interface FastifyInstance {
    /** Checks of what the app needs, and what they come to; by @steadfast/health. */
    health: Health
  }
}
