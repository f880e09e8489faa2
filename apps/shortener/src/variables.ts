import { isIP } from 'node:net'
import Type, { type TCodec, type TString } from 'typebox'

/** Reads the text of a variable. Throws an Error that completes the sentence "<NAME> …". */
type Parse<T> = (text: string) => T

/** A variable of the environment, as a schema: text that `parse` takes, decoded to what it gives. */
export function variable<T>(parse: Parse<T>, options: { default?: string } = {}): TCodec<TString, T> {
  const fault = (text: string): string | undefined => {
    try {
      parse(text)
      return undefined
    } catch (error) {
      return (error as Error).message
    }
  }
  const checked = Type.Refine(
    Type.String(options),
    (text) => fault(text) === undefined,
    (text) => fault(text) ?? '',
  )
  return Type.Decode(checked, parse)
}

export const text: Parse<string> = (value) => value

export function integer(least: number, most: number): Parse<number> {
  return (value) => {
    const number = Number(value)
    if (!/^\d+$/.test(value) || number < least || number > most) {
      throw new Error(`must be a whole number from ${least} to ${most}`)
    }
    return number
  }
}

export function oneOf<const T extends string>(...choices: T[]): Parse<T> {
  return (value) => {
    const choice = choices.find((choice) => choice === value)
    if (!choice) throw new Error(`must be one of ${choices.join(', ')}`)
    return choice
  }
}

export function secret(minLength: number): Parse<string> {
  return (value) => {
    if (!/^[\x21-\x7e]+$/.test(value) || value.length < minLength) {
      throw new Error(`must be at least ${minLength} visible ASCII characters, without spaces`)
    }
    return value
  }
}

export function urlOf(...protocols: string[]): Parse<string> {
  return (value) => {
    const url = URL.canParse(value) ? new URL(value) : undefined
    if (!url?.host || !protocols.includes(url.protocol)) {
      throw new Error(`must be a URL that starts with ${protocols.map((protocol) => `${protocol}//`).join(' or ')}`)
    }
    return value
  }
}

/** With the number of a database at its end, or none. */
export const redisUrl: Parse<string> = (value) => {
  const { pathname, searchParams } = new URL(urlOf('redis:', 'rediss:')(value))
  if (!/^\/?\d*$/.test(pathname) || !/^\d*$/.test(searchParams.get('db') ?? '')) {
    throw new Error('must have the number of a database at its end, as redis://cache:6379/1, or none')
  }
  return value
}

export const httpOrigin: Parse<string> = (value) => {
  const { origin, href } = new URL(urlOf('http:', 'https:')(value))
  if (href !== `${origin}/`) throw new Error('must hold nothing but protocol, host and port, as https://sho.rt')
  return origin
}

/** Origins with commas between them, or `*` for all. */
export const originList: Parse<string[]> = (value) =>
  value === '*' ? ['*'] : value.split(',').map((item) => httpOrigin(item.trim()))

export const databaseUrl: Parse<string> = (value) => {
  if (/^pglite:\/\/./.test(value)) return value
  const url = URL.canParse(value) ? new URL(value) : undefined
  if (!url || !/^postgres(ql)?:$/.test(url.protocol)) {
    throw new Error('must be a URL that starts with postgres://, or pglite://<folder> for the embedded database')
  }
  // A password with such characters in it ends too early, and what is left of it would show in messages.
  if (url.hash || !/^\/?[^/:@]*$/.test(url.pathname)) {
    throw new Error('must have the special characters of its password percent-encoded (# as %23, / as %2F, @ as %40)')
  }
  return value
}

/** Addresses and CIDR ranges, with commas between them. */
export const addressList: Parse<string[]> = (value) =>
  value.split(',').map((item) => {
    const range = item.trim()
    const [address = '', prefix, ...rest] = range.split('/')
    const family = isIP(address)
    const bits = family === 4 ? 32 : 128
    if (prefix !== undefined && Number(prefix) === 0 && family !== 0) {
      throw new Error('must not be every address: then whoever asks could name any as his own')
    }
    const isRange = prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= bits)
    if (family === 0 || !isRange || rest.length > 0) {
      throw new Error('must be IP addresses or CIDR ranges, as 10.0.0.0/8,::1')
    }
    return range
  })
