import { forkFixture } from '@steadfast/testing'
import Fastify, { type FastifyRequest } from 'fastify'
import t from 'tap'
import shutdown from '../src/index.js'

t.test('noting a request allocates nothing', async (t) => {
  const child = await forkFixture(new URL('./fixtures/allocations.js', import.meta.url), {
    execArgv: ['--expose-gc', '--min-semi-space-size=64'],
  })
  t.teardown(() => child.release())
  t.same(await child.exit, { code: 0, signal: null })
  const [{ bare, followed } = { bare: 0, followed: 0 }] = child.reports<{ bare: number; followed: number }>()
  t.ok(followed - bare < 8, `${bare} bytes a request without, ${followed} with: less than any object takes`)
})

const later = async (request: FastifyRequest) => request.drainSignal

t.test('a drainSignal is made where it is read, once a request', async (t) => {
  const original = globalThis.AbortController
  let made = 0
  globalThis.AbortController = class extends original {
    constructor() {
      super()
      made++
    }
  }
  const app = Fastify()
  t.teardown(async () => {
    globalThis.AbortController = original
    await app.close()
  })
  await app.register(shutdown)
  app.get('/', async () => 'ok')
  app.get('/read', async ({ drainSignal }) => `${drainSignal.aborted}`)
  app.get('/twice', async (request) => `${request.drainSignal === (await later(request))}`)
  for (let i = 0; i < 5; i++) await app.inject('/')
  t.equal(made, 0)
  t.equal((await app.inject('/read')).body, 'false')
  t.equal(made, 1)
  t.equal((await app.inject('/twice')).body, 'true')
  t.equal(made, 2)
})
