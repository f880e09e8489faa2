/** There is nothing in it to hide. */
const isLiteral = (value: unknown) => value === null || typeof value === 'boolean'

/** Keeps lines whole, whatever a replacement does to them: what was JSON still is, and ends in one newline. */
export function keepWhole(
  replace: (text: string) => string,
  isSecret: (key: string) => boolean,
  censor: string,
): (text: string) => string {
  const censorText = (text: string): string => {
    const clean = parse(replace(JSON.stringify(text)))
    return typeof clean === 'string' ? clean : censor
  }
  const censorValue = (value: unknown): unknown => {
    if (typeof value === 'string') return censorText(value)
    if (typeof value === 'number') return replace(`${value}`) === `${value}` ? value : censor
    if (Array.isArray(value)) return value.map(censorValue)
    if (isLiteral(value) || typeof value !== 'object') return value
    const fields = Object.entries(value as object).map(([key, of]) => [
      censorText(key),
      isSecret(key) && !isLiteral(of) ? censor : censorValue(of),
    ])
    return Object.fromEntries(fields)
  }
  return (text) => {
    const newline = text.endsWith('\n') ? '\n' : ''
    const body = newline ? text.slice(0, -1) : text
    const clean = replace(body)
    if (clean === body) return text
    // Lines, texts, and parts of lines that begin with a comma are JSON; addresses are not.
    const isPart = body[0] === ','
    if (!isPart && body[0] !== '{' && body[0] !== '"') return clean + newline
    const whole = (part: string) => parse(isPart ? `{${part.slice(1)}}` : part)
    if (whole(clean) !== undefined && (!isPart || clean[0] === ',')) return clean + newline
    const was = whole(body)
    if (was === undefined) return clean + newline
    const kept = JSON.stringify(censorValue(was))
    return (isPart ? `,${kept.slice(1, -1)}` : kept) + newline
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
