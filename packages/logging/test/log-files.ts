import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import type { Test } from 'tap'

/** A folder for as long as the test. */
export function newFolder(t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'steadfast-logging-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

export interface LogFile {
  name: string
  size: number
  text: string
}

/**
 * All files of a folder that can be seen, or one of them, in the order in which they were written. A file whose compressed copy has its
 * name already, as when the process ended in that moment, is there once; a copy that differs throws.
 */
export function logFiles(folder: string, only?: string): LogFile[] {
  const names = readdirSync(folder).filter((name) => (only === undefined ? !name.startsWith('.') : name === only))
  // Of one log, what is written to has no number and comes last.
  names.sort((a, b) => Number(!/\.\d{4,}\./.test(a)) - Number(!/\.\d{4,}\./.test(b)) || a.localeCompare(b))
  const files = names.map((name) => {
    const content = readFileSync(join(folder, name))
    const text = (name.endsWith('.gz') ? gunzipSync(content) : content).toString('utf8')
    return { name, size: statSync(join(folder, name)).size, text }
  })
  return files.filter(({ name, text }) => {
    const copy = files.find((file) => file.name === `${name}.gz`)
    if (copy && copy.text !== text) throw new Error(`${copy.name} is not what ${name} is`)
    return !copy
  })
}

export interface Line extends Record<string, unknown> {
  n: number
  by: number
  time: number
  msg: string
}

/** Every line of these files; one that is torn throws. */
export function linesOf(files: LogFile[]): Line[] {
  return files.flatMap(({ name, text }) => {
    if (text !== '' && !text.endsWith('\n')) throw new Error(`${name} ends with half a line`)
    return text
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Line)
  })
}
