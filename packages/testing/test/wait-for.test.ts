import t from 'tap'
import { waitFor } from '../src/index.js'

t.test('it resolves with the first truthy value, whatever was thrown before', async (t) => {
  let calls = 0
  const value = await waitFor(() => {
    calls++
    if (calls === 1) throw new Error('not yet')
    return calls === 3 && 'here'
  })
  t.equal(value, 'here')
})

t.test('it gives up in time, also on a condition that hangs or fails late', async (t) => {
  const late = () => new Promise<never>((_, reject) => setTimeout(reject, 1_000, new Error('late')).unref())
  for (const condition of [() => false, () => new Promise<never>(() => {}), late]) {
    const startMs = performance.now()
    await t.rejects(waitFor(condition, { timeoutMs: 100, what: 'the thing' }), {
      message: 'the thing was not met within 100 ms',
    })
    t.ok(performance.now() - startMs < 900)
  }
  const failing = () => Promise.reject(new Error('why'))
  await t.rejects(waitFor(failing, { timeoutMs: 50 }), { cause: { message: 'why' } })
})
