import { randomBytes } from 'node:crypto'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import type { Logger } from 'pino'
import type { Database } from '../database/database.js'
import type { Click } from './click.js'
import { tellClicks } from './metrics.js'
import { turnPartitions } from './partitions.js'
import { ClickQueue } from './queue.js'
import { VisitorSalts } from './salts.js'
import { agentOf } from './user-agent.js'
import { writeClicks } from './write.js'

const prepareEveryMs = 3_600_000

/** Counts clicks in this process, and writes them shortly after. */
export function clickCounter(database: Database, log: Logger, keptDays: number) {
  const queue = new ClickQueue((clicks) => writeClicks(database, clicks), log)
  const salts = new VisitorSalts()
  const prepare = async () => {
    await salts.renew(database).catch((error) => log.warn(error, 'the salts of visitors could not be had'))
    await turnPartitions(database, keptDays).catch((error) => log.warn(error, 'clicks have no partitions for new days'))
  }
  let timer: NodeJS.Timeout | undefined

  return {
    /** Never throws, and writes nothing itself. */
    count(request: FastifyRequest, linkId: number): void {
      queue.add(clickOf(request, linkId, salts))
    },

    plugin: fp(async (app: FastifyInstance) => {
      app.addHook('onReady', async () => {
        await prepare()
        timer = setInterval(prepare, prepareEveryMs).unref()
      })
      tellClicks(app, queue)
      app.shutdown.register('clicks', (signal) => queue.drain(signal), { phase: 'flush' })
      app.addHook('onClose', async () => {
        clearInterval(timer)
        queue.close()
      })
    }),
  }
}

function clickOf({ headers, ip }: FastifyRequest, linkId: number, salts: VisitorSalts): Click {
  const atMs = Date.now()
  const userAgent = headers['user-agent']
  const { browser, isBot } = agentOf(userAgent)
  return {
    eventId: uuidv7(atMs),
    linkId,
    atMs,
    referrer: hostOf(headers.referer),
    browser,
    isBot: isBot || `${headers['sec-purpose'] ?? headers.purpose}`.includes('prefetch'),
    visitor: salts.hash(linkId, ip, userAgent ?? '', atMs),
  }
}

/** The host alone: paths of other sites may tell more than anybody should know. */
function hostOf(referrer: string | undefined): string {
  const url = referrer && URL.canParse(referrer) ? new URL(referrer) : undefined
  return url && /^https?:$/.test(url.protocol) ? url.hostname.slice(0, 253) : ''
}

/** RFC 9562: ids that rise with time stay together in an index. */
function uuidv7(ms: number): string {
  const bytes = randomBytes(16)
  bytes.writeUIntBE(ms, 0, 6)
  bytes[6] = (bytes[6]! & 0x0f) | 0x70
  bytes[8] = (bytes[8]! & 0x3f) | 0x80
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}
