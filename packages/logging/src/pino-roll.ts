import type { FileOptions, RetainOptions, RotateOptions } from './options.js'
import { isDateFormat } from './rolling/names.js'
import * as rules from './rules.js'
import { take, takeObject } from './rules.js'

/** What pino-roll takes: https://github.com/mcollina/pino-roll#options. */
export interface PinoRollOptions {
  /** The path less number and extension; without an extension it gets `.log`. */
  file: string | (() => string)
  /** In MB, or with a unit: `'20m'`, `'500k'`, `'1g'`. */
  size?: number | string
  /** `'daily'`, `'hourly'` or a number of ms. */
  frequency?: 'daily' | 'hourly' | number
  extension?: string
  symlink?: boolean
  limit?: { count: number; removeOtherLogFiles?: boolean }
  dateFormat?: string
  mkdir?: boolean
  mode?: number
  /** In ms. */
  periodicFlush?: number
  append?: boolean
  fsync?: boolean
  /** Of the buffers of pino-roll; ours are filled and written in their own way. */
  sync?: boolean
  minLength?: number
  maxLength?: number
  maxWrite?: number
}

const keys = [
  ...['file', 'size', 'frequency', 'extension', 'symlink', 'limit', 'dateFormat', 'mkdir', 'mode', 'periodicFlush'],
  ...['append', 'fsync', 'sync', 'minLength', 'maxLength', 'maxWrite'],
]

const units: Record<string, number> = { b: 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 }

const frequencies: rules.Rule = {
  must: "'daily', 'hourly' or a number of milliseconds",
  test: (value) => value === 'daily' || value === 'hourly' || typeof value === 'number',
}

const format: rules.Rule = {
  must: 'made of yyyy, MM, dd, HH, hh, mm, ss and - _ . T',
  test: (value) => typeof value === 'string' && isDateFormat(value),
}

export function isPinoRoll(file: object): file is PinoRollOptions {
  return 'file' in file
}

/**
 * The same in our own options.
 * @throws ERR_LOGGING_OPTION
 * @throws ERR_LOGGING_UNKNOWN_OPTION
 */
export function ofPinoRoll(options: PinoRollOptions): {
  file: FileOptions
  rotate: RotateOptions
  retain: RetainOptions
  dateFormat: string | undefined
} {
  takeObject('file', options, keys)
  const { file, size, frequency, extension = '.log', symlink, limit, mode, periodicFlush } = options
  if (limit) takeObject('file.limit', limit, ['count', 'removeOtherLogFiles'])
  take('file.append', options.append, rules.oneOf(true))
  take('file.fsync', options.fsync, rules.oneOf(false))
  take('file.frequency', frequency, frequencies)
  const path = take('file.file', typeof file === 'function' ? file() : file, rules.text, '')
  const hasExtension = /\.[^./\\]+$/.test(path)
  return {
    file: {
      path: hasExtension ? path : `${path}.${extension.replace(/^\./, '')}`,
      ...(symlink !== undefined && { symlink }),
      ...(mode !== undefined && { mode }),
      ...(periodicFlush ? { flushMs: periodicFlush } : {}),
    },
    rotate: {
      ...(size !== undefined && { sizeBytes: bytesOf(size) }),
      ...(frequency !== undefined && {
        every: ({ daily: 'day', hourly: 'hour' } as const)[frequency] ?? (frequency as number),
      }),
    },
    retain: limit ? { files: limit.count } : {},
    dateFormat: take('file.dateFormat', options.dateFormat, format),
  }
}

function bytesOf(size: number | string): number {
  const [, number, unit = ''] = /^([\d.]+)([bkmg]?)$/i.exec(`${size}`) ?? []
  if (number === undefined) rules.refuse('file.size', "a number of MB, or with a unit as in '500k'", size)
  return Math.floor(Number(number) * units[unit.toLowerCase() || 'm']!)
}
