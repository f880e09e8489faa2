import { createConnection } from 'node:net'
import { freePort } from '../ports.js'
import { launch } from './launch.js'
import type { RedisOptions, Started } from './server.js'
import { findTool } from './tools.js'

/** A Redis that keeps nothing on disk, on a free port. */
export async function startRedisProcess(folder: string, { args = [] }: RedisOptions): Promise<Started> {
  const port = await freePort()
  const restart = () => launchRedis(folder, port, args)
  await restart()
  return { info: { nodes: [{ url: `redis://127.0.0.1:${port}`, port, folder }] }, restart, stop: async () => {} }
}

/** Starts a redis-server in `folder` and waits until it answers. */
export async function launchRedis(folder: string, port: number, args: string[]): Promise<void> {
  await launch({
    command: findTool('redis-server'),
    args: ['--port', `${port}`, '--bind', '127.0.0.1', '--dir', folder, '--save', '', '--appendonly', 'no', ...args],
    folder,
    ready: () => answersPing(port),
  })
}

function answersPing(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(port, '127.0.0.1', () => socket.write('PING\r\n'))
    const done = (answer: boolean) => {
      resolve(answer)
      socket.destroy()
    }
    socket.once('data', (data) => done(data.toString().startsWith('+PONG')))
    socket.setTimeout(500, () => done(false))
    socket.once('error', () => done(false))
    socket.once('close', () => done(false))
  })
}
