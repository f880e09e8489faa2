import t from 'tap'
import { startReceiver } from '../src/index.js'

t.test('every field of a request is noted, and answers follow the script', async (t) => {
  const receiver = await startReceiver([
    { status: 500 },
    { status: 429, headers: { 'retry-after': '2' }, body: { error: 'slow down' }, delayMs: 50 },
    { status: 202, body: 'taken' },
  ])
  t.teardown(() => receiver.release())
  const post = () => fetch(`${receiver.url}/hook?a=1`, { method: 'POST', headers: { 'x-key': 'k' }, body: '{"n":1}' })
  t.equal((await post()).status, 500)
  const startMs = performance.now()
  const limited = await post()
  t.ok(performance.now() - startMs >= 45, 'delayed')
  t.equal(limited.headers.get('retry-after'), '2')
  t.same(await limited.json(), { error: 'slow down' })
  for (const _ of [3, 4]) t.equal(await (await post()).text(), 'taken', 'the last answer serves all that follow')
  const received = await receiver.whenReceived(4)
  t.match(received[0], { method: 'POST', url: '/hook?a=1', headers: { 'x-key': 'k' }, body: '{"n":1}' })
  t.ok(received[0]!.atMs < received[1]!.atMs)
  await t.rejects(receiver.whenReceived(5, 20), /request 5 of the receiver/)
})

t.test('faults', async (t) => {
  const receiver = await startReceiver([{ fault: 'reset' }])
  t.teardown(() => receiver.release())
  await t.rejects(fetch(receiver.url), { cause: { code: 'ECONNRESET' } })
  receiver.script([{ fault: 'truncate', body: 'a long text' }])
  const response = await fetch(receiver.url)
  await t.rejects(response.text(), { cause: { code: 'UND_ERR_SOCKET' } })
  receiver.script([{ fault: 'hang' }])
  await t.rejects(fetch(receiver.url, { signal: AbortSignal.timeout(100) }), { name: 'TimeoutError' })
  receiver.script(({ url }) => ({ status: url === '/yes' ? 200 : 404 }))
  t.equal((await fetch(`${receiver.url}/yes`)).status, 200)
  t.equal((await fetch(`${receiver.url}/no`)).status, 404)
})
