import { join } from 'node:path'
import Fastify from 'fastify'
import t from 'tap'
import logging, { createLogger, fastifyLogging } from '../src/index.js'
import { createScrubber } from '../src/secrets/scrubber.js'
import { linesOf, logFiles, newFolder } from './log-files.js'

const scrub = createScrubber({})

/** A line of the log, scrubbed; it must be one line of JSON that has kept its level. */
function line(fields: object): string {
  const text = scrub(`${JSON.stringify({ level: 30, time: 1, ...fields, z: 'end' })}\n`)
  if (text.indexOf('\n') !== text.length - 1) throw new Error(`not one line: ${text}`)
  const { level, z } = JSON.parse(text)
  if (level !== 30 || z !== 'end') throw new Error(`swallowed: ${text}`)
  return text
}

t.test('a backslash at the end of a value breaks no line', async (t) => {
  for (const text of ['password=\\', 'cookie:\\', '/x?password=\\', '/x?sid=\\\\', 'password:"\\', "token='\\", '\\']) {
    line({ msg: text })
    line({ path: text, b: '"' })
    line({ [text]: text, b: ['"', text] })
    line({ body: JSON.stringify({ a: text, b: '"' }), c: '"' })
  }
  line({ path: 'C:\\secret=\\', b: '"' })
  line({ a: 'password="x\\', b: 'y' })
  line({ password: 'x'.repeat(500) })
  t.equal(scrub(`{"token":${'1'.repeat(1_000)}}\n`), '{"token":"[secret]"}\n')
})

t.test('a logger and an access line of such texts', async (t) => {
  const folder = newFolder(t)
  const file = { path: join(folder, 'app.log') }
  const logger = createLogger({ file, console: false })
  const app = Fastify({ ...fastifyLogging(logger) })
  await app.register(logging, { logger })
  app.get('/x', async () => 'x')
  app.log.info('password=\\')
  app.log.info({ path: 'C:\\secret=\\', b: '"' }, 'x')
  app.log.error(new Error('cookie:\\'))
  const urls = ['/x?password=\\', '/x?to%6ben=S3CR', `/x?q=${'+'.repeat(14_900)}&password=S3CR`, '/x?password=S3;S3CR']
  for (const url of urls) await app.inject(url)
  await app.close()
  await logger.close()
  const files = logFiles(folder)
  t.equal(linesOf(files).length, 3 + urls.length)
  t.notMatch(files[0]!.text, 'S3')
})

t.test('60,000 lines of nasty fragments stay lines, and show nothing', async (t) => {
  const fragments = [
    ...['\\', '\\\\', '"', '\\"', "'", ':', '=', '=>', ',', ';', '&', '?', ' ', '\n', '\r\n', '\t', '{', '}', '[', ']'],
    ...[
      'password',
      'token',
      'cookie',
      'Authorization',
      'X-Api-Key',
      'pin',
      'session',
      'code',
      'secrets',
      'auth',
      'x',
      '7',
    ],
    ...[
      '%22',
      '%3D',
      '%26',
      '%20',
      '%5B',
      '%25',
      '\\u0061',
      'http://',
      '://',
      '@',
      '%40',
      'bearer ',
      '-----BEGIN RSA ',
    ],
    ...[
      '-----BEGIN PRIVATE KEY-----',
      'eyJhbGciOi.',
      'eyJhbGciOi',
      '4111 1111 1111 1111',
      'ü',
      '\u2028',
      '\u0000',
      '+',
    ],
  ]
  let seed = 11
  const random = (below: number) => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0
    return Math.floor((seed / 2 ** 32) * below)
  }
  const text = () => Array.from({ length: 1 + random(7) }, () => fragments[random(fragments.length)]).join('')
  const value = (depth: number): unknown => {
    const kind = random(9)
    if (depth > 2 || kind < 4) return text()
    if (kind === 4) return JSON.stringify({ [text()]: value(depth + 1), b: text() })
    if (kind === 5) return [text(), value(depth + 1)]
    if (kind === 6) return random(1_000)
    return { [text()]: value(depth + 1), [text()]: text() }
  }
  const leaks: string[] = []
  let broken = 0
  for (let n = 0; n < 60_000; n++) {
    const secret = { value: { password: `LEAK${text()}LEAK` }, nested: JSON.stringify({ token: `LEAK${text()}LEAK` }) }
    const fields = { a: value(0), [`k${text()}`]: value(0), ...secret, url: `/${n}?token=LEAK`, s: text() }
    try {
      const clean = line(fields)
      if (clean.includes('LEAK')) leaks.push(JSON.stringify(fields), clean)
    } catch (error) {
      if (broken++ < 2) t.comment((error as Error).message)
    }
  }
  t.equal(broken, 0)
  t.same(leaks.slice(0, 2), [])
})

t.test('a replacement that breaks the JSON is undone for another that does not', async (t) => {
  const rude = createScrubber({ patterns: [/"b":"x/, /\}\n?$/, /Rn"$/] })
  const text = rude(
    '{"level":30,"time":5,"b":"x","password":"S3CR","n":{"token":1,"text":"token=S3CR"},"list":[null,4111111111111111]}\n',
  )
  t.ok(text.endsWith('}\n'))
  t.notMatch(text, /S3CR|4111/)
  t.match(JSON.parse(text), {
    level: 30,
    time: 5,
    b: 'x',
    password: '[secret]',
    n: { token: '[secret]' },
    list: [null],
  })
  t.equal(rude('"xRn"'), '"[secret]"')
  t.equal(rude(',"b":"x","token":"S3CR"'), ',"b":"x","token":"[secret]"')
})

t.test('hostile texts take time in proportion to their length', async (t) => {
  const fragments = [
    ...[
      ' ',
      '+',
      '%20',
      '"',
      '\\',
      'password=',
      'password',
      'eyJ',
      'eyJaaaaa-',
      '.eyJaaaaa',
      'eyJaaaaa.',
      '-----BEGIN ',
    ],
    ...[
      '-----BEGIN PRIVATE KEY-----',
      '4111 ',
      '4111%20',
      '[',
      '{',
      '"password":[',
      'a:',
      'x://',
      'x://a:b/',
      '@',
      '7',
    ],
    ...[
      'bearer ',
      'bearer',
      'basic+',
      'cookie:',
      '\\"',
      "'",
      '\\\\n',
      '%61',
      '%25',
      '\\u0061',
      '%3A%2F%2F',
      'sk-',
      'xoxb-',
      '&a[',
      'a',
    ],
    ...[
      'cookie="',
      'token,',
      'a.',
      '%3D',
      ':',
      ',',
      '=',
      '%5B',
      '-',
      '_',
      'pin',
      'https://a:',
      '%40',
      'x%3A%2F%2F',
      '\n',
      '\t',
    ],
  ]
  const heads = [
    '',
    'bearer',
    'password=',
    '"cookie":',
    'cookie:',
    'x://',
    'https://a:',
    '-----BEGIN PRIVATE KEY-----',
    "token='",
    'eyJaaaaa.eyJ',
    '?code',
    'http%3A%2F%2F',
  ]
  const slow: string[] = []
  for (const fragment of fragments) {
    const long = fragment.repeat(Math.ceil(100_000 / fragment.length))
    const texts = heads.map((head) => JSON.stringify(`${head}${long}&password=x`))
    for (const text of [...texts, long, `${long}&password=x`]) {
      const before = performance.now()
      scrub(text)
      const ms = performance.now() - before
      // Five times the bound: others may have the processor.
      if (ms > 500) slow.push(`${text.slice(0, 40)}: ${ms} ms`)
    }
  }
  t.same(slow, [])
})

t.test('secrets in URLs, however they are encoded', async (t) => {
  const gone = [
    ...[
      '/?to%6ben=S3CR',
      '/?%74oken=S3CR',
      '/?pass%77ord=S3CR',
      '/?token%20=S3CR',
      '/?token+=S3CR',
      '/?api%5Fkey=S3CR',
    ],
    ...[
      '/?token[]=S3CR',
      '/?token%5B%5D=S3CR',
      '/?user%5Bpassword%5D=S3CR',
      '/?user[password]=S3CR',
      '/?user[key]=S3CR',
    ],
    ...['/?password=S3;S3CR', "/?password=S3'S3CR", '/?password=S3%26S3CR', '/?a=1&code=S3;S3CR&b=2', '/?co%64e=S3CR'],
    ...[
      'http%3A%2F%2Fu%3AS3CR%40h',
      '/?to=http%3A%2F%2Fu%3AS3CR%40h%2Fx',
      'https://S3CR@github.com',
      'postgres://u:p/S3CR@h',
    ],
    ...['postgres://u:p#S3CR@h/db', 'redis://:S3CR@h:1', 'mysql://u:S3@CR@h/db', '/?to=%252F%253Ftoken%253DS3CR'],
    ...[
      '/?c=4111%201111%201111%201111',
      '/?c=4111+1111+1111+1111',
      '/?c=x%204111%201111%201111%201111',
      '/?c%3D4111111111111111',
    ],
  ]
  for (const url of gone) {
    for (const text of [scrub(url), line({ url }), line({ body: JSON.stringify({ url }) })]) {
      t.notMatch(text, /S3|CR@|1111/, `${url} → ${text}`)
    }
  }
  const kept = [
    ...[
      '/?q=a%20b&page=2',
      'https://example.com:8080/@ada?x=1',
      'ssh://git@github.com/x',
      'postgres://app@db:5432/x',
      '/%C3%A9',
    ],
    ...[
      'https://example.com/?mail=ada@example.com',
      'http://[::1]:80/@x',
      '/a;b=c',
      'http%3A%2F%2Fexample.com%2F%40ada',
      '/%61bc',
    ],
  ]
  for (const url of kept) t.equal(scrub(url), url)
  t.match(scrub('/?a=1&token=S;S&b=2'), '/?a=1&token=[secret]&b=2')
})

t.test('secrets in texts, however they are written', async (t) => {
  const gone: object[] = [
    { body: '{"pass\\u0077ord":"S3CR"}' },
    { body: JSON.stringify({ a: '{"pass\\u0077ord":"S3CR"}' }) },
    { text: 'password:\tS3CR' },
    { text: 'password:\n  S3CR' },
    { text: 'password\t:\r\n\tS3CR' },
    { text: 'Authorization: Digest username="a", response="S3CR", uri="/S3CR"' },
    { body: JSON.stringify({ text: 'Authorization: Digest username="a", response="S3CR"' }) },
    { text: "{ password: 'it\\'s S3CR' }" },
    { rawHeaders: ['Host', 'x', 'X-Api-Key', 'S3CR', 'X-Auth-Token', 'S3CR', 'Cookie', 'S3CR'] },
    { text: "[ 'X-Api-Key', 'S3CR' ]" },
    { passwords: ['S3CR'], tokens: { a: 'S3CR' }, cookies: 'S3CR', secrets: 'S3CR' },
    { passcode: 'S3CR', pin: 'S3CR', sid: 'S3CR', session: 'S3CR', auth: 'S3CR' },
    { passwordHash: 'S3CR', password_confirmation: 'S3CR', password1: 'S3CR', tokenValue: 'S3CR', secretValue: 'S3CR' },
    { encryptionKey: 'S3CR', signing_key: 'S3CR' },
    { text: 'sid=S3CR, session=S3CR' },
    { headers: [{ name: 'cookie', value: 'S3CR' }] },
  ]
  for (const fields of gone) {
    const text = line(fields)
    t.notMatch(text, 'S3CR', text)
  }
  t.notMatch(line({ pin: 4711 }), '4711')
  const kept = {
    session: { id: 7, views: 2 },
    author: 'Ada',
    auth: { ok: true },
    tokens: 5,
    usage: JSON.stringify({ total_tokens: 12, secrets: 3 }),
    msg: 'auth: ok, session: 4, pass: 12, author=Ada, obsession=x',
    shipping: 'x',
    sidecar: 'x',
    pass: 12,
    fields: ['password', 'mail'],
    stack: 'Error: no token:\n    at f (a.js:1:2)',
    body: '{"password":null,"n":1}',
  }
  t.match(JSON.parse(line(kept)), kept)
})

t.test('a pattern that matches nothing is refused', async (t) => {
  for (const pattern of [/x*/, /(?:)/, /\b/, /(?=a)/g, /$/m]) {
    t.throws(() => createLogger({ console: false, secrets: { patterns: [pattern] } }), { code: 'ERR_LOGGING_OPTION' })
  }
})
