import { parseDatabaseConfig } from './config.js'
import { atStart, openDatabase } from './database/open.js'
import { openLog } from './operations/log.js'
import { fail } from './process.js'

try {
  const config = parseDatabaseConfig(process.env)
  const database = await openDatabase(config, openLog(config))
  try {
    const done = await atStart(database, database.migrate())
    console.log(done.length > 0 ? `migrated: ${done.join(', ')}` : 'nothing to migrate')
  } finally {
    await database.close()
  }
} catch (error) {
  fail(error)
}
