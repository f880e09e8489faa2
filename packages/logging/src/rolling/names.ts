import { basename, dirname, extname, join } from 'node:path'

/** What a name in the folder says, if it is one of a log's own. */
export interface LogName {
  name: string
  /** Which of the processes that write this log at the same time wrote it, from 1. */
  slot: number
  /** Undefined for the file that is written to. */
  label: string | undefined
  number: number
  isZipped: boolean
}

/** Parts of a date that a file's name can have, as date-fns writes them. */
const tokens: Record<string, (date: Date) => number> = {
  yyyy: (date) => date.getUTCFullYear(),
  MM: (date) => date.getUTCMonth() + 1,
  dd: (date) => date.getUTCDate(),
  HH: (date) => date.getUTCHours(),
  hh: (date) => ((date.getUTCHours() + 11) % 12) + 1,
  mm: (date) => date.getUTCMinutes(),
  ss: (date) => date.getUTCSeconds(),
}
const token = /yyyy|MM|dd|HH|hh|mm|ss/g
const literal = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')

/** Whether it has nothing but such parts, and signs between them that a name can have. */
export function isDateFormat(format: string): boolean {
  return /^[-_.T]*$/.test(format.replace(token, '')) && format !== ''
}

/** The names of one log: `app.log`, `app.2026-11-21.0001.log` once it was rolled, with `.gz` once it is compressed. */
export class Names {
  readonly folder: string
  readonly #stem: string
  readonly #extension: string
  readonly #format: string
  readonly #isUtc: boolean
  readonly #own: RegExp

  constructor(path: string, format: string, isUtc: boolean) {
    this.folder = dirname(path)
    this.#extension = extname(path)
    this.#stem = basename(path, this.#extension)
    this.#format = format
    this.#isUtc = isUtc
    // Files that were rolled under the other settings are still this log's.
    const labels = [format, 'yyyy-MM-dd', 'yyyy-MM-dd-HH'].map((known) =>
      literal(known).replace(token, (part) => `\\d{${part.length}}`),
    )
    const [stem, extension] = [literal(this.#stem), literal(this.#extension)]
    this.#own = new RegExp(`^${stem}(?:\\.p(\\d+))?(?:\\.(${labels.join('|')})\\.(\\d{4,}))?${extension}(\\.gz)?$`)
  }

  /** The file that the process of this slot writes to. */
  active(slot: number): string {
    return join(this.folder, `${this.#prefix(slot)}${this.#extension}`)
  }

  /** What it is called once it is rolled. */
  rolled(slot: number, label: string, number: number): string {
    return join(this.folder, `${this.#prefix(slot)}.${label}.${`${number}`.padStart(4, '0')}${this.#extension}`)
  }

  /** Tells who writes to a slot's file. */
  claim(slot: number): string {
    return join(this.folder, `.${this.#prefix(slot)}${this.#extension}.owner`)
  }

  /** What is being compressed, and not yet whole. */
  unfinished(rolled: string): string {
    return join(this.folder, `.${basename(rolled)}.gz.unfinished`)
  }

  label(ms: number): string {
    const offsetMs = this.#isUtc ? 0 : new Date(ms).getTimezoneOffset() * 60_000
    const date = new Date(ms - offsetMs)
    return this.#format.replace(token, (part) => `${tokens[part]!(date)}`.padStart(part.length, '0'))
  }

  parse(name: string): LogName | undefined {
    const match = this.#own.exec(name)
    if (!match) return undefined
    const [, slot = '1', label, number = '0', zip] = match
    if (zip && label === undefined) return undefined
    return { name, slot: Number(slot), label, number: Number(number), isZipped: zip !== undefined }
  }

  /** The rolled file that was being compressed under this name. */
  parseUnfinished(name: string): LogName | undefined {
    const [, rolled = ''] = /^\.(.+)\.gz\.unfinished$/.exec(name) ?? []
    return this.parse(rolled)
  }

  #prefix(slot: number): string {
    return slot === 1 ? this.#stem : `${this.#stem}.p${slot}`
  }
}
