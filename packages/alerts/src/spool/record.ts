import { crc32 } from 'node:zlib'

/** What is known under an id; `undefined`: no longer. */
export type Entry = [id: string, value: unknown]

/** A line of a journal: a checksum, and JSON. A line feed at either end keeps what is torn before it, or after it, out of it. */
export function encode(id: string, value: unknown): Buffer {
  const json = JSON.stringify(value === undefined ? [id] : [id, value])
  return Buffer.from(`\n${checksum(json)} ${json}\n`)
}

/** What can be read, in the order in which it was written, and how many bytes can't. A line that is broken costs itself alone. */
export function decode(bytes: Buffer): { entries: Entry[]; lostBytes: number } {
  const entries: Entry[] = []
  let lostBytes = 0
  for (const line of bytes.toString('utf8').split('\n')) {
    const entry = decodeLine(line)
    if (entry) entries.push(entry)
    else lostBytes += line.length
  }
  return { entries, lostBytes }
}

function decodeLine(line: string): Entry | undefined {
  const json = line.slice(9)
  if (line[8] !== ' ' || line.slice(0, 8) !== checksum(json)) return undefined
  try {
    const entry: unknown = JSON.parse(json)
    return Array.isArray(entry) && typeof entry[0] === 'string' ? [entry[0], entry[1]] : undefined
  } catch {
    return undefined
  }
}

function checksum(json: string): string {
  return crc32(json).toString(16).padStart(8, '0')
}
