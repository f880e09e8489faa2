/**
 * The process that starts the servers of a test run and ends them, whatever becomes of the tests: it lives as long as
 * the run holds the other end of its standard input, and no longer.
 */
import { createServer, type Socket } from 'node:net'
import { signalTo } from '../processes.js'
import { findTool } from '../servers/tools.js'
import { type Call, keeperSocket, onMessage, send } from './protocol.js'
import { Servers } from './servers.js'

const [runFolder = ''] = process.argv.slice(2)
const servers = new Servers(runFolder)

const adopted = new Set<number>()

process.stdout.on('error', () => {}) // who started us may be gone before we are ready
process.once('uncaughtException', (error) => {
  report(error)
  end(1)
})
const listener = createServer(serve)
listener.listen(keeperSocket(runFolder), () => process.stdout.write('ready\n'))

let isEnding = false
process.stdin.resume().once('close', () => end(0))
process.once('SIGTERM', () => end(0)).once('SIGINT', () => end(0))

async function end(code: number): Promise<void> {
  if (isEnding) return
  isEnding = true
  listener.close()
  for (const pid of adopted) signalTo(pid, 'SIGKILL')
  await servers.stopAll().catch((error) => {
    report(error)
    code = 1
  })
  process.exit(code)
}

function serve(caller: Socket): void {
  const owned = new Set<string>()
  const itsOwn = new Set<number>()
  onMessage<Call & { id: number }>(caller, async ({ id, ...call }) => {
    try {
      send(caller, { id, value: await answer(call as Call) })
    } catch (error) {
      send(caller, { id, error: (error as Error).message })
    }
  })
  caller.on('error', () => {})
  caller.once('close', () => {
    for (const pid of itsOwn) {
      adopted.delete(pid)
      signalTo(pid, 'SIGKILL')
    }
    for (const name of owned) servers.stop(name).catch(report)
  })

  async function answer(call: Call): Promise<unknown> {
    switch (call.do) {
      case 'start': {
        const name = await servers.start(call.kind, call.options, call.shared)
        if (!call.shared) owned.add(name)
        if (caller.destroyed && !call.shared) return servers.stop(name) // gone while we were at it
        return { server: name, info: servers.info(name) }
      }
      case 'restart':
        return servers.restart(call.server, call.node)
      case 'stop':
        owned.delete(call.server)
        return servers.stop(call.server)
      case 'adopt':
        adopted.add(call.pid)
        return void itsOwn.add(call.pid)
      case 'disown':
        adopted.delete(call.pid)
        return void itsOwn.delete(call.pid)
      case 'find':
        return findTool(call.tool)
    }
  }
}

function report(error: unknown): void {
  process.stderr.write(`testing: ${(error as Error).message}\n`)
}
