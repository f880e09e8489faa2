import { basename, extname, isAbsolute, resolve } from 'node:path'
import type { LoggerOptions as PinoOptions } from 'pino'
import { isPinoRoll, ofPinoRoll, type PinoRollOptions } from './pino-roll.js'
import type { Every } from './rolling/period.js'
import * as rules from './rules.js'
import { take, takeObject } from './rules.js'
import { checkSecrets, type SecretsOptions } from './secrets/options.js'

export interface FileOptions {
  /** The file that is written to; its folder is made if need be. */
  path: string
  /** Permissions of the files. Default 0o640. */
  mode?: number
  /** A link to the file, beside it: its name, or `true` for `current.log`. Default false. */
  symlink?: boolean | string
  /** How old a line may get, in ms, before it is on the disk. Default 100. */
  flushMs?: number
  /** How much is kept in memory while the disk does not take it, in bytes, at least 65536. Default 16 MiB. */
  maxBufferBytes?: number
}

export interface RotateOptions {
  /** How large a file gets, in bytes, at least 1024. Default: any size. */
  sizeBytes?: number
  /** When the next file begins: at the turn of the hour, day, week (Monday) or month, or of so many ms since 1970. Default: never. */
  every?: Every
  /** By UTC instead of local time. Default false. */
  utc?: boolean
  /** Whether files are compressed once they are rolled. Default false. */
  gzip?: boolean
}

export interface RetainOptions {
  /** How many rolled files are kept. Default: all. */
  files?: number
  /** How old rolled files get, in ms since they were last written. Default: any age. */
  ageMs?: number
  /** What all files of the log may hold in bytes, those that are written to included. Default: no bound. */
  totalBytes?: number
}

/** Besides these, all options of pino but `transport`. */
export interface LoggingOptions extends Omit<PinoOptions, 'transport' | 'browser'> {
  /** Where to, or what pino-roll is given. Default: no file. */
  file?: FileOptions | PinoRollOptions
  rotate?: RotateOptions
  retain?: RetainOptions
  /** Who rolls the files: this package, or pino-roll in a thread, where that is installed. Default `'steadfast'`. */
  roller?: 'steadfast' | 'pino-roll'
  /** What goes to standard output. Default: `'pretty'` on a terminal; else `'json'` without a file, and nothing with one. */
  console?: 'json' | 'pretty' | false
  /** What is taken out of every line; `false` takes out nothing. */
  secrets?: SecretsOptions | false
  /** What becomes of lines that the disk does not take once the memory is full, or at once. Default `'drop'`: they are counted. */
  onDiskFull?: 'drop' | 'stderr'
  /** The number that a line says its level by: pino's, or the severity of RFC 5424. Default `'pino'`. */
  levels?: 'pino' | 'rfc5424'
  /** Threads are what this package stands in for. */
  transport?: never
}

export interface ResolvedFile {
  path: string
  mode: number
  symlink: string | undefined
  flushMs: number
  maxBufferBytes: number
  sizeBytes: number
  every: Every | undefined
  utc: boolean
  gzip: boolean
  dateFormat: string
  retain: Required<RetainOptions>
  onDiskFull: 'drop' | 'stderr'
}

export interface ResolvedLoggingOptions {
  pino: PinoOptions
  file: ResolvedFile | undefined
  /** What pino-roll is given, where it rolls the files. */
  pinoRoll: PinoRollOptions | undefined
  console: 'json' | 'pretty' | false
  secrets: SecretsOptions | false
  levels: 'pino' | 'rfc5424'
}

const pinoKeys = [
  ...['level', 'levelComparison', 'customLevels', 'useOnlyCustomLevels', 'mixin', 'mixinMergeStrategy', 'redact'],
  ...['serializers', 'timestamp', 'messageKey', 'errorKey', 'nestedKey', 'base', 'name', 'enabled', 'crlf'],
  ...['formatters', 'hooks', 'depthLimit', 'edgeLimit', 'onChild', 'msgPrefix', 'safe'],
]
const ownKeys = ['file', 'rotate', 'retain', 'roller', 'console', 'secrets', 'onDiskFull', 'levels'] as const

const standardLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace']

const mode: rules.Rule = {
  must: 'permissions by which the owner can write, as 0o640',
  test: (value) => Number.isInteger(value) && (value as number) <= 0o777 && ((value as number) & 0o200) !== 0,
}

const name: rules.Rule = {
  must: 'true, false or a name without a folder',
  test: (value) => typeof value === 'boolean' || (rules.text.test(value) && !/[\\/\0]/.test(value as string)),
}

function atLeast(least: number, unit: string): rules.Rule {
  return {
    must: `a number of ${unit}, at least ${least}`,
    test: (value) => typeof value === 'number' && value >= least && value <= Number.MAX_SAFE_INTEGER,
  }
}

const every: rules.Rule = {
  must: "'hour', 'day', 'week', 'month' or a number of milliseconds, at least 1000",
  test: (value) => ['hour', 'day', 'week', 'month'].includes(value as string) || atLeast(1_000, 'ms').test(value),
}

/**
 * @throws ERR_LOGGING_OPTION
 * @throws ERR_LOGGING_UNKNOWN_OPTION
 */
export function resolveOptions(options: LoggingOptions, isTerminal: boolean): ResolvedLoggingOptions {
  takeObject('the options', options, [...ownKeys, ...pinoKeys], '')
  const { file, rotate, retain, roller: _, console, secrets = {}, onDiskFull, levels, ...pino } = options
  if (file !== undefined && !rules.object.test(file))
    rules.refuse('file', "an object, as { path: '/var/log/app.log' }", file)
  take('serializers', pino.serializers, rules.object)
  checkLevel(pino)
  const roller = take('roller', options.roller, rules.oneOf('steadfast', 'pino-roll'), 'steadfast')
  for (const key of ['rotate', 'retain', 'onDiskFull', 'roller'] as const) {
    if (file === undefined && options[key] !== undefined) rules.refuse('file', `set where ${key} is`, file)
  }
  if (roller === 'pino-roll' && !(file && isPinoRoll(file))) {
    rules.refuse('file', 'what pino-roll is given, { file, … }, where it is the roller', file)
  }
  const isByPinoRoll = file !== undefined && isPinoRoll(file)
  for (const key of ['rotate', 'retain', 'onDiskFull'] as const) {
    const isOurs = roller === 'steadfast' && (key === 'onDiskFull' || !isByPinoRoll)
    if (!isOurs) take(key, options[key], { must: 'left out beside the options of pino-roll', test: () => false })
  }
  const standIn = isTerminal ? 'pretty' : file === undefined ? 'json' : false
  if (secrets !== false) checkSecrets(secrets)
  const rfc5424 = take('levels', levels, rules.oneOf('pino', 'rfc5424'), 'pino')
  if (rfc5424 === 'rfc5424' && pino.formatters?.level) rules.refuse('levels', "'pino' beside formatters.level", levels)
  return {
    pino,
    file: file && roller === 'steadfast' ? resolveFile(file, rotate, retain, onDiskFull) : undefined,
    pinoRoll: roller === 'pino-roll' ? (file as PinoRollOptions) : undefined,
    console: take('console', console, rules.oneOf('json', 'pretty', false), standIn),
    secrets,
    levels: rfc5424,
  }
}

function checkLevel({ level, customLevels, useOnlyCustomLevels }: PinoOptions): void {
  const known = [...(useOnlyCustomLevels ? [] : standardLevels), ...Object.keys(customLevels ?? {}), 'silent']
  if (level !== undefined && !known.includes(level)) rules.refuse('level', known.join(', '), level)
}

const pathRule: rules.Rule = {
  must: 'the path of a file',
  test: (value) => rules.text.test(value) && !/[\\/]$/.test(value as string),
}

/** A link with the name of one of the log's own files would be taken for that. */
function checkLink(path: string, link: string | boolean): void {
  const stem = basename(path, extname(path))
  const name = link === true ? 'current.log' : `${link}`
  const isTaken = ['.', '..', basename(path)].includes(name) || name.replace(/^\./, '').startsWith(`${stem}.`)
  if (link !== false && isTaken) rules.refuse('file.symlink', `a name that begins otherwise than with ${stem}.`, link)
}

function resolveFile(
  given: FileOptions | PinoRollOptions,
  givenRotate: RotateOptions = {},
  givenRetain: RetainOptions = {},
  onDiskFull: 'drop' | 'stderr' | undefined,
): ResolvedFile {
  const standIn = { file: given as FileOptions, rotate: givenRotate, retain: givenRetain, dateFormat: undefined }
  const { file, rotate, retain, dateFormat } = isPinoRoll(given) ? ofPinoRoll(given) : standIn
  takeObject('file', file, ['path', 'mode', 'symlink', 'flushMs', 'maxBufferBytes'])
  takeObject('rotate', rotate, ['sizeBytes', 'every', 'utc', 'gzip'])
  takeObject('retain', retain, ['files', 'ageMs', 'totalBytes'])
  const path = take('file.path', file.path ?? '', pathRule, '')
  const link = take('file.symlink', file.symlink, name, false)
  checkLink(path, link)
  const period = take('rotate.every', rotate.every, every)
  return {
    path: isAbsolute(path) ? path : resolve(path),
    mode: take('file.mode', file.mode, mode, 0o640),
    symlink: link === true ? 'current.log' : link === false ? undefined : link,
    flushMs: take('file.flushMs', file.flushMs, rules.duration, 100),
    maxBufferBytes: take('file.maxBufferBytes', file.maxBufferBytes, atLeast(65_536, 'bytes'), 16_777_216),
    sizeBytes: take('rotate.sizeBytes', rotate.sizeBytes, atLeast(1_024, 'bytes'), Infinity),
    every: period,
    utc: take('rotate.utc', rotate.utc, rules.flag, false),
    gzip: take('rotate.gzip', rotate.gzip, rules.flag, false),
    dateFormat: dateFormat ?? (period === 'hour' ? 'yyyy-MM-dd-HH' : 'yyyy-MM-dd'),
    retain: {
      files: take('retain.files', retain.files, rules.count, Infinity),
      ageMs: take('retain.ageMs', retain.ageMs, rules.age, Infinity),
      totalBytes: take('retain.totalBytes', retain.totalBytes, atLeast(1, 'bytes'), Infinity),
    },
    onDiskFull: take('onDiskFull', onDiskFull, rules.oneOf('drop', 'stderr'), 'drop'),
  }
}
