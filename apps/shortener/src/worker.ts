/** Counts clicks from the stream, in a process of its own. */
import { parseConfig } from './config.js'
import { assertMigrated } from './database/migrations.js'
import { atStart } from './database/open.js'
import { openLog } from './operations/log.js'
import { runServer, serve } from './process.js'
import { openResources } from './resources.js'
import { buildWorker } from './worker-app.js'

await runServer(async (opened) => {
  const config = parseConfig(process.env, 'worker')
  const resources = await openResources(config, openLog(config), opened)
  await atStart(resources.database, assertMigrated(resources.database))
  const at = { host: config.HOST, port: config.WORKER_PORT, variable: 'WORKER_PORT' }
  await serve(buildWorker(config, resources), at, opened)
})
