/** The shortener without any set-up: on an embedded database unless the environment names another. */
import { resolve } from 'node:path'
import { pino } from 'pino'
import { parseConfig } from './config.js'
import { openDatabase } from './database/open.js'
import { generateKey, saveBootstrapKey } from './keys/repository.js'
import { fail, serve } from './process.js'

const folder = resolve(import.meta.dirname, '../../.data/demo')

try {
  const { env } = process
  const config = parseConfig({
    ...env,
    BASE_URL: env.BASE_URL || `http://${hostInUrl(env.HOST || '127.0.0.1')}:${env.PORT || '3000'}`,
    DATABASE_URL: env.DATABASE_URL || (env.DATABASE_URL_FILE ? undefined : `pglite://${folder}`),
    LOG_LEVEL: env.LOG_LEVEL || 'warn',
  })
  const key = config.BOOTSTRAP_API_KEY ?? generateKey()
  const isEmbedded = config.DATABASE_URL.startsWith('pglite:')
  if (isEmbedded) console.log(`Opening the embedded database ${config.DATABASE_URL}; the first time takes some seconds`)
  const log = pino({ level: config.LOG_LEVEL })
  const database = await openDatabase(config, log)
  await database.migrate()
  await saveBootstrapKey(database, key)
  await serve(config, database, log)
  const kind = isEmbedded ? 'embedded (PGlite), for this demo only, in' : 'PostgreSQL at'
  console.log(`
The shortener runs.

  URL       ${config.BASE_URL}
  API key   ${key}
  Database  ${kind} ${database.address}

Make a short link, then open its shortUrl:

  curl -X POST ${config.BASE_URL}/api/v1/links -H 'Authorization: Bearer ${key}' -H 'Content-Type: application/json' -d '{"url":"https://fastify.dev/"}'

Ctrl-C stops it.
`)
} catch (error) {
  fail(error)
}

/** A host that is listened on, as a browser on this machine reaches it. */
function hostInUrl(host: string): string {
  if (host === '0.0.0.0' || host === '::') return 'localhost'
  return host.includes(':') ? `[${host}]` : host
}
