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
  ...['cardnumber', 'pan', 'ssn', 'connectionstring'],
]

/** Parameters of URLs that are secret, besides the names above. */
export const defaultQuery: readonly string[] = ['key', 'auth', 'code', 'sig', 'sid', 'session', 'pass', 'state']

/** What is secret in any text: a kind, and what it looks like. */
export const defaultPatterns: Readonly<Record<string, RegExp>> = {
  // What separates two words may itself be escaped, where a text was made JSON more than once.
  'bearer and basic credentials': /(?<=\b(?:bearer|basic)(?:\s|%20|\+)+)[\w.~+/-]{8,}=*/gi,
  'user and password in URLs': /(?<=\b[a-z][a-z\d+.-]{1,20}:(?:\\*\/){2})[^\s/?#@"\\]*:[^\s/?#"\\]*(?=@)/gi,
  'PEM private keys': /-----BEGIN [A-Z\d ]*PRIVATE KEY-----[^"]*?(?:-----END [A-Z\d ]*PRIVATE KEY-----|(?=\\*")|$)/g,
  'JSON web tokens': /\beyJ[\w-]{5,}\.eyJ[\w-]{5,}\.[\w-]*/g,
  'keys of AWS, GitHub, GitLab, Slack, Stripe, npm and OpenAI':
    /\b(?:AKIA|ASIA)[A-Z\d]{16}\b|\bgh[pousr]_\w{20,}|\bgithub_pat_\w{20,}|\bglpat-[\w-]{16,}|\bxox[abeoprs]-[\w-]{10,}|\b[rs]k_(?:live|test)_\w{10,}|\bnpm_\w{30,}|\bsk-[\w-]{20,}/g,
}

const pattern: rules.Rule = { must: 'a RegExp', test: (value) => value instanceof RegExp }
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
