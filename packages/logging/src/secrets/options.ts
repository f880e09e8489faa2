import * as rules from '../rules.js'
import { take, takeObject } from '../rules.js'

/** What is taken out of lines, besides the defaults. */
export interface SecretsOptions {
  /** Keys whose values are secret, at any depth; also as the end of a longer key, in any case, with or without - and _. */
  keys?: string[]
  /** Parameters of URLs and of forms whose values are secret, compared as keys are. */
  query?: string[]
  /** What is secret wherever it stands in a text. */
  patterns?: RegExp[]
  /** What stands in its place. Default `[secret]`. */
  censor?: string
}

/** Keys that are secret whatever is given, at any depth. */
export const defaultKeys: readonly string[] = [
  ...['password', 'passwd', 'passphrase', 'pwd', 'secret', 'token', 'apikey', 'accesskey', 'secretkey', 'privatekey'],
  ...['authorization', 'cookie', 'credential', 'credentials', 'sessionid', 'signature', 'jwt', 'cvv', 'cvc', 'otp'],
  ...['cardnumber', 'pan', 'ssn', 'connectionstring', 'passcode', 'passwordhash', 'passwordconfirmation'],
  ...['tokenvalue', 'secretvalue', 'encryptionkey', 'signingkey'],
]

/** Keys that are secret but where they have a number: it counts them. */
export const pluralKeys: readonly string[] = ['passwords', 'tokens', 'cookies', 'secrets']

/** Whole words that are common in prose and as the names of objects: their texts are secret, and what follows an equals sign. */
export const everydayKeys: readonly string[] = ['auth', 'pass', 'pin', 'session', 'sid']

/** Parameters of URLs that are secret, besides the names above. */
export const defaultQuery: readonly string[] = [
  ...['key', 'auth', 'code', 'sig', 'sid', 'session', 'pass', 'state', 'pwd', 'jwt', 'otp', 'pin', 'cvv', 'cvc', 'ssn'],
]

const pattern: rules.Rule = {
  must: 'a RegExp that matches no empty text',
  test: (value) => value instanceof RegExp && !matchesNothing(value),
}

/** Such a pattern would put the censor between all the characters of a line. */
function matchesNothing({ source, flags }: RegExp): boolean {
  const all = new RegExp(source, `${flags.replace(/[gy]/g, '')}g`)
  return ['', '{"a":"b c=1.5"}'].some((text) => [...text.matchAll(all)].some(([match]) => match === ''))
}

const key: rules.Rule = {
  must: 'a name of letters, digits, - and _',
  test: (value) => typeof value === 'string' && /^[\w-]*[a-z\d][\w-]*$/i.test(value),
}

/**
 * @throws ERR_LOGGING_OPTION
 * @throws ERR_LOGGING_UNKNOWN_OPTION
 */
export function checkSecrets(secrets: SecretsOptions): void {
  takeObject('secrets', secrets, ['keys', 'query', 'patterns', 'censor'])
  take('secrets.keys', secrets.keys, rules.listOf(key))
  take('secrets.query', secrets.query, rules.listOf(key))
  take('secrets.patterns', secrets.patterns, rules.listOf(pattern))
  // It lands in JSON as it is.
  take('secrets.censor', secrets.censor, {
    must: 'a text without quotes, backslashes and control characters',
    test: (value) => typeof value === 'string' && JSON.stringify(value) === `"${value}"`,
  })
}
