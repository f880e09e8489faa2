/** The letters of names as a tree, read backwards from where they end. */
export interface NameEnds {
  /** By node and letter, the next node; 0 for none. */
  next: Uint16Array
  /** What a node is: on the way, the beginning of a name, or of one that needs a boundary before it. */
  states: Uint8Array
  /** 1 for bytes that are a boundary. */
  boundary: Uint8Array
}

const letterCount = 37
const letters = new Uint8Array(256)
for (const [i, sign] of [...'abcdefghijklmnopqrstuvwxyz0123456789'].entries()) {
  letters[sign.charCodeAt(0)] = letters[sign.toUpperCase().charCodeAt(0)] = i + 1
}
const dash = 45
const underscore = 95
const begins = 1
const beginsAtBoundary = 2

/** @param needsBoundary whether a name, less - and _, counts only where a boundary stands before it */
export function endsOf(names: string[], needsBoundary: (name: string) => boolean, boundary: Uint8Array): NameEnds {
  const size = names.reduce((sum, name) => sum + name.length, 1)
  const next = new Uint16Array(size * letterCount)
  const states = new Uint8Array(size)
  let count = 1
  for (const name of names) {
    const plain = name.replace(/[-_]/g, '')
    let node = 0
    for (const sign of [...plain].reverse()) {
      const at = node * letterCount + letters[sign.charCodeAt(0)]!
      next[at] ||= count++
      node = next[at]!
    }
    if (!needsBoundary(plain)) states[node] = begins
    else states[node] ||= beginsAtBoundary
  }
  return { next, states, boundary }
}

/** Whether one of the names ends before a place. It may have - or _ between its letters. */
export function isNameBefore(bytes: Uint8Array, end: number, { next, states, boundary }: NameEnds): boolean {
  let node = 0
  for (let i = end - 1; ; i--) {
    const letter = letters[bytes[i]!]!
    if (letter === 0) return false
    node = next[node * letterCount + letter]!
    if (node === 0) return false
    const state = states[node]!
    if (state === begins || (state === beginsAtBoundary && boundary[bytes[i - 1]!] === 1)) return true
    if (bytes[i - 1] === dash || bytes[i - 1] === underscore) i--
  }
}
