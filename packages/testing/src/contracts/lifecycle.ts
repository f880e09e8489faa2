import assert from 'node:assert/strict'
import Fastify, { type FastifyInstance } from 'fastify'
import { type Shared, type State, sharedBy, steadfast } from './contract.js'

/** Registers the plugin that is checked. */
export type Register = (app: FastifyInstance) => unknown

const phases = ['consumers', 'flush', 'connections', 'logs'] as const

/**
 * Checks a plugin's side of the lifecycle contract.
 * @throws AssertionError that names the rule the plugin breaks
 */
export async function checkLifecycle(register: Register): Promise<void> {
  await checkStates(register)
  await checkDrain(register)
  await checkJoining(register)
}

/** Without shutdown, the state follows the app's own hooks. */
async function checkStates(register: Register): Promise<void> {
  const { app, shared } = await build(register)
  assert.equal(shared.state, 'starting', 'an app that is not ready is starting')
  const seen: State[][] = [[], []]
  for (const states of seen) {
    shared.onState.add((state) => {
      assert.equal(shared.state, state, 'listeners are called after the change')
      states.push(state)
    })
  }
  await app.ready()
  await app.close()
  for (const states of seen) {
    assert.deepEqual(
      states,
      ['ready', 'draining', 'closed'],
      'the state goes forward with the app, and every listener is told',
    )
  }

  const early = await build(register)
  early.shared.state = 'draining' // as shutdown does while the app is still booting
  await early.app.ready()
  assert.equal(early.shared.state, 'draining', 'the state never goes back')
  await early.app.close()
}

/** Without shutdown, `app.close()` runs the phases, around the end of HTTP. */
async function checkDrain(register: Register): Promise<void> {
  const { app, shared } = await build(register)
  const order: string[] = []
  for (const phase of [...phases].reverse()) {
    shared.onDrain[phase].push(
      () => {
        throw new Error('work that fails must not keep the rest from running')
      },
      async () => {
        assert.equal(shared.onDrain[phase].length, 0, 'work is taken out before it runs')
        await new Promise(setImmediate)
        order.push(phase)
      },
    )
  }
  let arrive = () => {}
  const arrived = new Promise<void>((resolve) => {
    arrive = resolve
  })
  app.get('/in-flight', (_request, reply) => {
    const answer = () => {
      order.push('answer')
      reply.send('ok')
    }
    const late = setTimeout(answer, 1_000) // for a plugin that never runs the phase
    shared.onDrain.consumers.push(() => {
      clearTimeout(late)
      setTimeout(answer, 50) // long enough for work that doesn't wait for it to show
    })
    arrive()
  })
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  const response = fetch(`${url}/in-flight`, { headers: { connection: 'close' } })
  await arrived
  await app.close()
  assert.equal((await response).status, 200, 'a request in flight is answered')
  assert.deepEqual(
    order.filter((step) => step !== 'answer'),
    [...phases],
    'every phase runs, once, in order, whatever fails in it',
  )
  assert.ok(order.indexOf('answer') < order.indexOf('flush'), 'flush runs after the last answer')

  const led = await build(register)
  const steps: string[] = []
  led.shared.runPhase = async (phase) => {
    steps.push(`${phase} begins`)
    await new Promise((resolve) => setTimeout(resolve, 5))
    steps.push(`${phase} ends`)
  }
  for (const phase of phases) led.shared.onDrain[phase].push(() => steps.push(`${phase} run by the plugin itself`))
  await led.app.ready()
  await led.app.close()
  const expected = phases.flatMap((phase) => [`${phase} begins`, `${phase} ends`])
  assert.deepEqual([...new Set(steps)], expected, 'where shutdown runs the phases, it is asked for one after the other')
  for (let i = 0; i < steps.length; i += 2)
    assert.equal(steps[i + 1], steps[i]?.replace('begins', 'ends'), 'and awaited')
}

/** The plugin takes what is there as it is, and twenty apps don't see each other. */
async function checkJoining(register: Register): Promise<void> {
  const { app, shared } = await build(register)
  const other = await build(register)
  assert.notEqual(other.shared, shared, 'every app has its own')
  await other.app.close()
  assert.equal(shared.state, 'starting', 'closing one app changes no other')

  const second = Fastify()
  const made: Shared = {
    state: 'starting',
    onState: new Set(),
    onDrain: { consumers: [], flush: [], connections: [], logs: [] },
    metricSources: new Set(),
  }
  const theirs = { listener: () => {}, source: () => [], work: () => {} }
  made.onState.add(theirs.listener)
  made.metricSources.add(theirs.source)
  made.onDrain.logs.push(theirs.work)
  const before = { ...made }
  Object.assign(second.server, { [steadfast]: Object.assign(made, { later: 'field' }) })
  await second.register(async (child) => void (await register(child)))
  await second.ready()
  assert.equal(sharedBy(second), made, 'what another plugin made is not replaced')
  assert.ok('later' in made, 'fields it does not know are kept')
  for (const field of ['onState', 'onDrain', 'metricSources'] as const)
    assert.equal(made[field], before[field], `${field} is kept`)
  assert.ok(made.onState.has(theirs.listener), 'listeners of others are kept')
  assert.ok(made.metricSources.has(theirs.source), 'metric sources of others are kept')
  assert.ok(made.onDrain.logs.includes(theirs.work), 'work of others is kept')
  await second.close()
  assert.equal(made.state, 'closed', 'what another plugin made is brought up to date')
  await app.close()
}

async function build(register: Register): Promise<{ app: FastifyInstance; shared: Shared }> {
  const app = Fastify()
  await register(app)
  const shared = sharedBy(app)
  assert.ok(shared, 'app.server[Symbol.for("steadfast.v1")] is there once the plugin is registered')
  return { app, shared }
}
