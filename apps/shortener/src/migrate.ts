import { pino } from 'pino'
import { parseDatabaseConfig } from './config.js'
import { atStart, openDatabase } from './database/open.js'
import { fail } from './process.js'

try {
  const config = parseDatabaseConfig(process.env)
  const database = await openDatabase(config, pino({ level: config.LOG_LEVEL }))
  try {
    const done = await atStart(database, database.migrate())
    console.log(done.length > 0 ? `migrated: ${done.join(', ')}` : 'nothing to migrate')
  } finally {
    await database.close()
  }
} catch (error) {
  fail(error)
}
