/** The stack that most guides show: Express 4, with limits in Redis, metrics, a cache, and access lines that roll by day. */
import express from 'express'
import { rateLimit } from 'express-rate-limit'
import { Redis } from 'ioredis'
import NodeCache from 'node-cache'
import prometheus from 'prom-client'
import { RedisStore } from 'rate-limit-redis'
import responseTime from 'response-time'
import winston from 'winston'
import DailyRotateFile from 'winston-daily-rotate-file'
import {
  buckets,
  cacheControl,
  clientHeader,
  healthPath,
  limit,
  links,
  metricsPath,
  serverOptions,
} from '../workload.js'

const { port, redisUrl = '', prefix = '', logFolder = '' } = serverOptions()

const logger = winston.createLogger({
  format: winston.format.combine(winston.format.timestamp(), winston.format.json()),
  transports: [
    new DailyRotateFile({
      dirname: logFolder,
      filename: 'access-%DATE%.log',
      datePattern: 'YYYY-MM-DD',
      maxSize: '20m',
      maxFiles: '14d',
    }),
  ],
})

prometheus.collectDefaultMetrics()
const duration = new prometheus.Histogram({
  name: 'http_request_duration_seconds',
  help: 'Duration of HTTP requests in seconds',
  labelNames: ['method', 'route', 'status_code'],
  buckets,
})

const redis = new Redis(redisUrl, { enableAutoPipelining: true })
const cache = new NodeCache({ stdTTL: 60 })
let requestCount = 0

const app = express()
app.disable('x-powered-by')
app.get(healthPath, (_request, response) => {
  response.json({ status: 'ok' })
})
app.get(metricsPath, async (_request, response) => {
  response.type(prometheus.register.contentType).send(await prometheus.register.metrics())
})
app.use(
  responseTime((request, response, timeMs) => {
    const { method = '', url, socket } = request
    const route: string = (request as express.Request).route?.path ?? 'unmatched'
    duration.observe({ method, route, status_code: response.statusCode }, timeMs / 1_000)
    logger.info('request completed', {
      reqId: `req-${++requestCount}`,
      req: { method, url, remoteAddress: socket.remoteAddress },
      res: { statusCode: response.statusCode },
      responseTime: timeMs,
    })
  }),
)
app.use(
  rateLimit({
    windowMs: limit.windowMs,
    limit: limit.max,
    standardHeaders: 'draft-6',
    legacyHeaders: false,
    keyGenerator: (request) => request.get(clientHeader) ?? '',
    store: new RedisStore({
      prefix,
      sendCommand: (command: string, ...args: string[]) => redis.call(command, ...args) as Promise<number>,
    }),
  }),
)
app.get('/:code', (request, response) => {
  const { code } = request.params
  let target = cache.get<string>(code)
  if (target === undefined) {
    target = links.get(code)
    if (target !== undefined) cache.set(code, target)
  }
  if (target === undefined) return void response.sendStatus(404)
  response.set('cache-control', cacheControl).redirect(302, target)
})
app.listen(port, '127.0.0.1')
