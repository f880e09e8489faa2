import { randomInt } from 'node:crypto'

/** Letters and digits that are not taken for each other: no 0 O o, 1 I l i. */
const alphabet = '23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghjkmnpqrstuvwxyz'

/** Codes have this length, or one more where too many of it are taken. */
export const codeLength = 7

/** A random code: it tells nothing of how many links there are, and the next can't be guessed. */
export function randomCode(length: number): string {
  return Array.from({ length }, () => alphabet[randomInt(alphabet.length)]).join('')
}

const code = new RegExp(`^[${alphabet}]{${codeLength},${codeLength + 1}}$`)

/** Whether a link could have this code, which saves a query if not. */
export function isCode(text: string): boolean {
  return code.test(text)
}
