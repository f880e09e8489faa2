/**
 * Loaded before every server of the ladder. Some processes, by chance, spend 17 % of their time in process.nextTick instead of
 * 1 %: most likely V8 forgets the shape of its objects when a collection of garbage finds none. One that is kept prevents it.
 */
import { executionAsyncResource } from 'node:async_hooks'

const kept: object[] = []
process.nextTick(() => kept.push(executionAsyncResource()))
