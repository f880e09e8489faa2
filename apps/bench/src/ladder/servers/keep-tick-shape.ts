/**
 * Loaded before every server of the ladder. V8 forgets the shape of the objects behind process.nextTick when a collection
 * of garbage falls into a moment without one, and then makes each of them the slow way for as long as the process lives: some
 * 30 % of a redirect, in some processes and not in others, by how much was loaded before. One object that is kept prevents it,
 * for bare Fastify as for the rest.
 */
import { executionAsyncResource } from 'node:async_hooks'

const kept: object[] = []
process.nextTick(() => kept.push(executionAsyncResource()))
