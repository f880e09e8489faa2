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

const listener = createServer(serve)
listener.listen(keeperSocket(runFolder), () => process.stdout.write('ready\n'))

let isEnding = false
process.stdin.resume().once('close', end)
process.once('SIGTERM', end).once('SIGINT', end)

async function end(): Promise<void> {
  if (isEnding) return
  isEnding = true
  listener.close()
  await servers.stopAll()
  process.exit()
}

function serve(caller: Socket): void {
  const owned = new Set<string>()
  const adopted = new Set<number>()
  onMessage<Call & { id: number }>(caller, async ({ id, ...call }) => {
    try {
      send(caller, { id, value: await answer(call as Call) })
    } catch (error) {
      send(caller, { id, error: (error as Error).message })
    }
  })
  caller.on('error', () => {})
  caller.once('close', () => {
    for (const pid of adopted) signalTo(pid, 'SIGKILL')
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
        return void adopted.add(call.pid)
      case 'disown':
        return void adopted.delete(call.pid)
      case 'find':
        return findTool(call.tool)
    }
  }
}

function report(error: unknown): void {
  process.stderr.write(`testing: ${(error as Error).message}\n`)
}
