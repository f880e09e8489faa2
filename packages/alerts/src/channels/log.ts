import * as given from '../given.js'
import type { Log } from '../log.js'
import { type Channel, type ChannelOptions, resolveCommon } from './channel.js'

export interface LogOptions extends ChannelOptions {
  /** Where to: `app.log`, or any logger of its kind. */
  logger: Log
}

const loggerRule: given.Rule = {
  must: 'a logger, as app.log',
  test: (value) => typeof (value as Log | null)?.error === 'function' && typeof (value as Log).info === 'function',
}

/**
 * A line in the log for each alert: error and critical as errors, what is over as information.
 * @throws ERR_ALERTS_OPTION
 * @throws ERR_ALERTS_UNKNOWN_OPTION
 */
export function log(options: LogOptions): Channel {
  given.takeObject('log()', options, ['name', 'minSeverity', 'deadlineMs', 'logger'], 'log')
  const logger = loggerRule.test(options.logger)
    ? options.logger
    : given.fail('log.logger', loggerRule.must, options.logger)
  return {
    ...resolveCommon('log', options, 'log'),
    batch: 1,
    send({ id, title, alerts: [alert], status, severity, suppressed }) {
      const details = { alert: alert ?? { suppressed }, notification: id }
      if (status === 'resolved' || severity === 'info') logger.info(details, title)
      else if (severity === 'warning') logger.warn(details, title)
      else logger.error(details, title)
    },
  }
}
