/** Names so short that they are common as the end of another word. */
const shortLength = 4

/** Of a name without - and _: whether it counts as a whole word alone. Possessions and obsessions are no sessions. */
export function isShort(name: string): boolean {
  return name.length <= shortLength || name === 'session'
}

/** A key in the one form in which names are compared. */
export function plainName(name: string): string {
  return name.replace(/[-_]/g, '').toLowerCase()
}

/**
 * A pattern that matches each name with or without signs between its letters. By their first letters, so that few are tried at
 * each place of a text.
 * @param isShort which names count only where no letter stands before them
 */
export function unite(names: string[], isShort: (name: string) => boolean): string {
  const rests = new Map<string, Set<string>>()
  for (const name of names) {
    const plain = plainName(name)
    const [first = '', ...rest] = plain
    const start = isShort(plain) ? `${first}(?<![a-z\\d]${first})` : first
    const known = rests.get(start) ?? new Set()
    rests.set(start, known.add(rest.map((letter) => `[-_]?${letter}`).join('')))
  }
  return [...rests].map(([start, ends]) => `${start}(?:${[...ends].join('|')})`).join('|')
}
