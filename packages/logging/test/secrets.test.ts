import { join } from 'node:path'
import t, { type Test } from 'tap'
import { createLogger, type LoggingOptions } from '../src/index.js'
import { createReplacement, namesOf, parametersOf } from '../src/secrets/scrubber.js'
import { createSuspicion } from '../src/secrets/suspicion.js'
import { linesOf, logFiles, newFolder } from './log-files.js'

type Log = ReturnType<typeof createLogger>

/** The text of what was logged; every line of it is JSON. */
async function logged(t: Test, log: (logger: Log) => void, options: LoggingOptions = {}): Promise<string> {
  const folder = newFolder(t)
  const logger = createLogger({ file: { path: join(folder, 'app.log') }, console: false, level: 'trace', ...options })
  log(logger)
  await logger.close()
  const files = logFiles(folder)
  linesOf(files)
  return files.map(({ text }) => text).join('')
}

t.test('the five secrets that a usual configuration leaks', async (t) => {
  const secrets = ['hunter2', 'tok_9f8e7d6c5b4a', 'deep-secret-value', 'plain-text-pass', 'query-token-123']
  const err = Object.assign(new Error(`login failed: password=${secrets[0]}`), {
    config: { url: '/x', headers: { Authorization: `Bearer ${secrets[1]}`, 'x-api-key': secrets[1] } },
  })
  const text = await logged(t, (logger) => {
    logger.error(err)
    logger.error({ err }, 'failed')
    logger.info({ user: { account: { profile: { password: secrets[2], name: 'Ada' } } } }, 'deep')
    logger.info(`connecting with postgres://app:${secrets[3]}@db:5432/app, password: ${secrets[3]}`)
    logger.info({ url: `/callback?token=${secrets[4]}&page=2`, req: { url: `/a?access_token=${secrets[4]}` } })
  })
  for (const secret of secrets) t.notMatch(text, secret)
  t.match(text, 'Ada')
  t.match(text, 'page=2')
  t.match(text, 'db:5432/app')
})

t.test('what is taken out, by example, and what is left', async (t) => {
  const pem = '-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA\n-----END RSA PRIVATE KEY-----'
  const jwt = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U'
  const gone: Record<string, unknown>[] = [
    { api_key: 'S3CR' },
    { 'X-Api-Key': 'S3CR' },
    { userPassword: 'S3CR' },
    { refresh_token: 'S3CR' },
    { client_secret: ['S3CR'] },
    { password: { value: 'S3CR', old: ['a', { b: 'S3CR' }] } },
    { pwd: 'S3CR"quoted\\"S3CR' },
    { secret: 4711001 },
    { headers: { cookie: 'sid=S3CR; theme=S3CR', 'Set-Cookie': ['a=S3CR'] } },
    { rawHeaders: ['Host', 'x', 'Authorization', 'Basic S3CRS3CR', 'Cookie', 'a=S3CR'] },
    { body: '{"user":"ada","password":"S3CR","nested":{"token":"S3CR"}}' },
    { body: JSON.stringify({ inner: JSON.stringify({ password: 'S3CR"S3CR' }) }) },
    { form: 'user=ada&password=S3CR%20S3CR&x=1' },
    { text: "{ password: 'S3CR S3CR', user: 'ada' }" },
    { text: 'GET / HTTP/1.1\r\nCookie: a=S3CR; b=S3CR\r\nHost: x' },
    { auth: 'Bearer S3CRS3CR.S3CR' },
    { url: 'https://user:S3CR@example.com/' },
    { redirect: 'https%3A%2F%2Fx%3Ftoken%3DS3CR%26y%3D1' },
    { pem },
    { jwt },
    { card: '4111 1111 1111 1111' },
    { card: 4111111111111111 },
    { cards: [4111111111111111, 5500000000000004] },
    { aws: 'AKIAIOSFODNN7EXAMPLE' },
    { gh: 'ghp_abcdefghijklmnopqrstuvwxyz0123456789' },
  ]
  for (const fields of gone) {
    // The time and the process id have digits of their own.
    const text = await logged(t, (logger) => logger.info(fields, 'x'), { timestamp: false, base: null })
    t.notMatch(text, /S3CR|4711001|MIIEp|dozjg|4111|5500|IOSFODNN|abcdefghij/, text)
  }
  const kept = {
    token_count: 12,
    tokens: 5,
    company: 'ACME',
    japan: 1,
    span: 'x',
    maxTokens: 9,
    passwordless: true,
    code: 'E42',
    state: 'ready',
    id: '1234567890123456',
    time2: 1763712345678,
    ratio: 0.4111111111111111,
    note: 'the key is under the mat',
    password: null,
    trace: '4bf92f3577b34da6a3ce929d0e0e4736',
    url: '/search?q=pass&page=2',
    mail: 'ada@example.com',
  }
  const [line] = (await logged(t, (logger) => logger.info(kept, 'status code=200, key: value'))).split('\n')
  t.match(JSON.parse(line!), { ...kept, msg: 'status code=200, key: value' })
})

t.test('more keys, parameters and patterns, another censor, and none at all', async (t) => {
  const log = (logger: Log) => logger.info({ pin: 'A1', employeeNumber: 'A2', url: '/?invite=A3', text: 'internal-A4' })
  const secrets = { keys: ['pin', 'employee_number'], query: ['invite'], patterns: [/internal-\w+/], censor: '***' }
  const text = await logged(t, log, { secrets })
  t.notMatch(text, /A[1-4]/)
  t.equal(text.match(/\*\*\*/g)?.length, 4)
  t.match(await logged(t, (logger) => logger.info({ password: 'A1' }), { secrets: false }), '"password":"A1"')
  const redacted = await logged(t, (logger) => logger.info({ a: { b: 'A1' }, token: 'A2' }), { redact: ['a.b'] })
  t.notMatch(redacted, /A[12]/, 'pino’s own redact goes on working')
})

t.test('10,000 random objects with secrets planted in them leak none', async (t) => {
  let seed = 42
  const random = (below: number) => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648
    return seed % below
  }
  const pick = <T>(list: T[]): T => list[random(list.length)]!
  const noise = () =>
    pick<unknown>(['a', 'ünï', 'x"y', 'back\\slash', 'line\nbreak', 12, 1.5, true, null, '{', ']', '"', '\u001b[31m'])
  let planted = 0
  const secret = () => `LEAK${planted++}${pick(['', '"', '\\', '\\"', 'ß', ',', '}'])}LEAK`
  const plain = () => `LEAK${planted++}LEAK`
  const keys = [
    'password',
    'Authorization',
    'api_key',
    'x-auth-token',
    'clientSecret',
    'COOKIE',
    'private-key',
    'db_passwd',
  ]
  const value = (depth: number): unknown => {
    const kind = random(10)
    if (depth > 3 || kind < 3) return noise()
    if (kind === 3) return `https://x/?a=1&token=${plain()}&b=2`
    if (kind === 4) return `failed: password=${plain()} for ada`
    if (kind === 5) return JSON.stringify({ deep: { [pick(keys)]: secret() } })
    if (kind === 6) return `Bearer ${plain()}`
    if (kind === 7) return [value(depth + 1), value(depth + 1)]
    return object(depth + 1)
  }
  const object = (depth: number): Record<string, unknown> => {
    const fields: Record<string, unknown> = {}
    for (let n = random(4) + 1; n > 0; n--) fields[`f${random(100)}`] = value(depth)
    if (random(2) === 0) fields[pick(keys)] = pick([secret, () => ({ any: secret() }), () => [secret(), noise()]])()
    return fields
  }
  const text = await logged(t, (logger) => {
    for (let n = 0; n < 10_000; n++) logger.info(object(0), `n ${n} token=${plain()}`)
  })
  t.equal(text.split('\n').length, 10_001)
  t.ok(planted > 10_000)
  t.same(text.match(/.{0,60}LEAK.{0,20}/g)?.slice(0, 3) ?? [], [])
})

t.test('the quick look at a line never misses what the patterns would find', async (t) => {
  const own = { keys: ['pin', 'x_y-9', 'q'], query: ['invite', 'z'] }
  const names = namesOf(own.keys)
  const parameters = parametersOf(own.query)
  const mayHold = createSuspicion(names, parameters)
  const replace = createReplacement(own)
  const fragments = [
    ...[...names, ...parameters, 'PASSWORD', 'api-Key', 'a_p_i_k_e_y', 'Bearer', 'basic', 'user', 'x', 'Z', 'a1', 'é'],
    ...[
      '"',
      '\\"',
      '\\\\"',
      "'",
      ':',
      '=',
      '=>',
      ',',
      ' ',
      '  ',
      '\t',
      '\n',
      '\u00a0',
      '\u2003',
      '\u2028',
      '+',
      '[]',
      '[0]',
      ']',
      '\\t',
      '\\n',
      '\\',
      '\\u0077',
      '%5D',
      '%77',
      '%25',
      '%40',
      '{',
      ']',
    ],
    ...[
      '%',
      '%2',
      '%20',
      '%22',
      '%3D',
      '%3d',
      '%3A',
      '%3F',
      '%26',
      '3D',
      '?',
      '&',
      ';',
      '@',
      '//',
      ':/',
      '\\/',
      'http://',
    ],
    ...[
      '_',
      '-',
      '--',
      '-----BEGIN RSA PRIVATE KEY-----',
      '-----END RSA PRIVATE KEY-----',
      '.',
      'eyJhbGciOi',
      'eyJzdWIi',
    ],
    ...['AKIA', 'ASIA', 'IOSFODNN7EXAMPLE', 'ghp_', 'gho_', 'github_pat_', 'glpat-', 'xoxb-', 'sk_live_', 'rk_test_'],
    ...['npm_', 'sk-', 'abcdefghijklmnopqrstuvwxyz0123', '4111', '1111', '5500', '0004', '6011', '4222222222222'],
    ...['378282246310005', '30569309025904', '1795265426353', '.5'],
  ]
  let seed = 7
  const random = (below: number) => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0
    return Math.floor((seed / 2 ** 32) * below)
  }
  let [found, passed] = [0, 0]
  const missed: string[] = []
  for (let n = 0; n < 200_000; n++) {
    let text = ''
    for (let count = 1 + random(9); count > 0; count--) text += fragments[random(fragments.length)]
    const isFound = replace(text) !== text
    if (isFound) found++
    if (mayHold(text)) continue
    passed++
    if (isFound) missed.push(text)
  }
  t.same(missed, [])
  t.ok(found > 20_000 && passed > 100_000, `${found} with a secret, ${passed} passed at once`)
  t.notOk(
    mayHold(
      '{"level":30,"time":1795265426353,"reqId":"req-1","span":"x","req":{"url":"/a?page=2"},"msg":"request completed"}',
    ),
  )
})

t.test('hostile values break no line, and throw nothing', async (t) => {
  const cyclic: Record<string, unknown> = { name: 'loop' }
  cyclic.self = cyclic
  const throwing = {
    fine: 1,
    get bad(): string {
      throw new Error('no')
    },
  }
  const values: unknown[] = [
    cyclic,
    throwing,
    { nested: throwing },
    { big: 10n },
    { list: [10n] },
    { text: 'x'.repeat(1_000_000) },
    { a: '\r\n\u0000\u001b[31m\u2028' },
    {
      toJSON: () => {
        throw new Error('no')
      },
    },
    { d: new Date(Number.NaN) },
    new Proxy(
      {},
      {
        ownKeys: () => {
          throw new Error('no')
        },
      },
    ),
    { map: new Map([[1, 2]]), f: () => 1, s: Symbol('s') },
    Object.create(null),
    [1, [2]],
    Symbol('alone'),
    10n,
    null,
    undefined,
    Object.assign(new Error('x'), { cause: cyclic }),
  ]
  const text = await logged(t, (logger) => {
    for (const value of values) logger.info(value as object, 'hostile')
    for (const value of values) logger.info('%s %o %j', value as string, value as object, value as object)
    logger.info('a\r\n{"level":60,"msg":"forged"}')
  })
  const lines = text.trimEnd().split('\n')
  t.equal(lines.length, 2 * values.length + 1)
  t.ok(lines.every((line) => typeof JSON.parse(line).level === 'number'))
  t.match(text, '"fine":1', 'what can be read of it is there')
})
