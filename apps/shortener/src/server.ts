import { buildApp } from './app.js'
import { parseConfig } from './config.js'
import { assertMigrated } from './database/migrations.js'
import { atStart } from './database/open.js'
import { hasKeys, saveBootstrapKey } from './keys/repository.js'
import { openLog } from './operations/log.js'
import { runServer, serve } from './process.js'
import { openResources } from './resources.js'

await runServer(async (opened) => {
  const config = parseConfig(process.env)
  const log = openLog(config)
  const resources = await openResources(config, log, opened)
  const { database } = resources
  await atStart(database, assertMigrated(database))
  if (config.BOOTSTRAP_API_KEY) await atStart(database, saveBootstrapKey(database, config.BOOTSTRAP_API_KEY))
  else if (!(await hasKeys(database))) log.warn('nobody can make links: there is no API key; set BOOTSTRAP_API_KEY')
  await serve(buildApp(config, resources), { host: config.HOST, port: config.PORT }, opened)
})
