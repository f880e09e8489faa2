import { pino } from 'pino'
import { parseConfig } from './config.js'
import { assertMigrated } from './database/migrations.js'
import { atStart, openDatabase } from './database/open.js'
import { hasKeys, saveBootstrapKey } from './keys/repository.js'
import { runServer, serve } from './process.js'

await runServer(async (opened) => {
  const config = parseConfig(process.env)
  const log = pino({ level: config.LOG_LEVEL })
  const database = await openDatabase(config, log)
  opened.add(() => database.close())
  await atStart(database, assertMigrated(database))
  if (config.BOOTSTRAP_API_KEY) await atStart(database, saveBootstrapKey(database, config.BOOTSTRAP_API_KEY))
  else if (!(await hasKeys(database))) log.warn('nobody can make links: there is no API key; set BOOTSTRAP_API_KEY')
  await serve(config, database, log, opened)
})
