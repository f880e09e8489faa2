import type { FastifyReply, FastifyRequest } from 'fastify'
import * as rules from './rules.js'
import { take, takeObject } from './rules.js'

/** What the one line says that each request gets. */
export interface AccessLogOptions {
  /** Of requests that went well, and of those that clients got wrong; from 500 on it is error. Default `'info'`. */
  level?: string
  /** How the client's address is shown: as it is, as a keyed hash that is the same for the same address, or not at all. Default `'plain'`. */
  ip?: 'plain' | 'hash' | false
  /** The key of the hash, so that it is the same in other processes and after a restart. Default: a random one. */
  ipKey?: string
  /** More fields for the line; called once the answer is out. */
  fields?: (request: FastifyRequest, reply: FastifyReply) => Record<string, unknown>
}

export interface ResolvedAccessLog {
  level: string
  ip: 'plain' | 'hash' | false
  ipKey: string | undefined
  fields: ((request: FastifyRequest, reply: FastifyReply) => Record<string, unknown>) | undefined
}

const callable: rules.Rule = { must: 'a function', test: (value) => typeof value === 'function' }

/**
 * @throws ERR_LOGGING_OPTION
 * @throws ERR_LOGGING_UNKNOWN_OPTION
 */
export function resolveAccessLog(options: AccessLogOptions, levels: string[]): ResolvedAccessLog {
  takeObject('accessLog', options, ['level', 'ip', 'ipKey', 'fields'])
  const { ip, ipKey, fields } = options
  if (ipKey !== undefined && ip !== 'hash') rules.refuse('accessLog.ip', "'hash' where ipKey is set", ip)
  return {
    level: take('accessLog.level', options.level, rules.oneOf(...levels), 'info'),
    ip: take('accessLog.ip', ip, rules.oneOf('plain', 'hash', false), 'plain'),
    ipKey: take('accessLog.ipKey', ipKey, rules.text),
    fields: take('accessLog.fields', fields, callable),
  }
}
