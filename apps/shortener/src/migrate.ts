import { pino } from 'pino'
import { parseConfig } from './config.js'
import { openDatabase } from './database/open.js'
import { fail } from './process.js'

try {
  const config = parseConfig(process.env)
  const database = await openDatabase(config, pino({ level: config.LOG_LEVEL }))
  const done = await database.migrate()
  await database.close()
  console.log(done.length > 0 ? `migrated: ${done.join(', ')}` : 'nothing to migrate')
} catch (error) {
  fail(error)
}
