/** The shortener without any set-up: on an embedded database unless the environment names another. */
import { resolve } from 'node:path'
import { buildApp } from './app.js'
import { parseConfig } from './config.js'
import { atStart } from './database/open.js'
import { EnvironmentError } from './errors.js'
import { generateKey, saveBootstrapKey } from './keys/repository.js'
import { openLog } from './operations/log.js'
import { runServer, serve } from './process.js'
import { openResources } from './resources.js'

const folder = resolve(import.meta.dirname, '../../.data/demo')

await runServer(async (opened) => {
  const { env } = process
  const isNamed = Boolean(env.DATABASE_URL || env.DATABASE_URL_FILE)
  const config = parseConfig({
    ...env,
    BASE_URL: env.BASE_URL || ownUrl(env.HOST || '127.0.0.1', env.PORT || '3000'),
    DATABASE_URL: isNamed ? env.DATABASE_URL : `pglite://${folder}`,
    LOG_LEVEL: env.LOG_LEVEL || 'warn',
  })
  // A key that we made would replace the one that others use with that database.
  if (isNamed && !config.BOOTSTRAP_API_KEY) {
    throw new EnvironmentError('  BOOTSTRAP_API_KEY is missing; the demo makes up a key for its own database alone')
  }
  const key = config.BOOTSTRAP_API_KEY ?? generateKey()
  const isEmbedded = config.DATABASE_URL.startsWith('pglite:')
  if (isEmbedded) console.log(`Opening the embedded database ${config.DATABASE_URL}; the first time takes some seconds`)
  const resources = await openResources(config, openLog(config), opened)
  const { database } = resources
  await atStart(database, database.migrate())
  await atStart(database, saveBootstrapKey(database, key))
  await serve(buildApp(config, resources), { host: config.HOST, port: config.PORT }, opened)
  const kind = isEmbedded ? 'embedded (PGlite), for this demo only, in' : 'PostgreSQL at'
  console.log(`
The shortener runs.

  URL       ${config.BASE_URL}
  API key   ${key}
  Database  ${kind} ${database.address}

Make a short link, then open its shortUrl:

  curl -X POST ${config.BASE_URL}/api/v1/links -H ${quoted(`Authorization: Bearer ${key}`)} -H 'Content-Type: application/json' -d '{"url":"https://fastify.dev/"}'

Ctrl-C stops it.
`)
})

/** Where a browser on this machine reaches what listens there; undefined, for BASE_URL to say, if that can't be told. */
function ownUrl(host: string, port: string): string | undefined {
  if (port === '0') return undefined
  const name = host === '0.0.0.0' || host === '::' ? 'localhost' : host.includes(':') ? `[${host}]` : host
  const url = `http://${name}:${port}`
  return URL.canParse(url) ? url : 'http://localhost' // what is wrong with HOST or PORT is told as their fault
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}
