import { readFileSync } from 'node:fs'

/** The text of a file of the kernel, or undefined where there is none, or none for us. */
export function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch {
    return undefined
  }
}

export function readNumber(file: string): number | undefined {
  const text = readText(file)
  return text === undefined || !/^\d+$/.test(text) ? undefined : Number(text)
}

/** The numbers of a file of lines like `nr_throttled 5`. */
export function readTable(file: string): Map<string, number> {
  const lines = readText(file)?.split('\n') ?? []
  return new Map(
    lines.map((line) => {
      const [key = '', value] = line.split(/\s+/)
      return [key, Number(value)]
    }),
  )
}
