import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Gate } from './access.js'
import { answerTo, type Probe, sendTo } from './answer.js'
import { ListenError } from './errors.js'
import type { Log } from './log.js'
import type { HealthMonitor } from './monitor.js'

/**
 * A server for the probes alone, which answers from now on, whatever the app does.
 * @throws ERR_HEALTH_LISTEN
 */
export async function startProbeServer(
  { port, host }: { port: number; host?: string | undefined },
  paths: Record<Probe, string>,
  monitor: HealthMonitor,
  gate: Gate,
  log: Log,
): Promise<Server> {
  const probes = new Map(Object.entries(paths).map(([probe, path]) => [path, probe as Probe]))
  const server = createServer((request, response) => {
    const probe = probes.get(request.url?.split('?', 1)[0] ?? '')
    if (!probe) {
      response.writeHead(404, { 'content-length': 0 }).end()
      return
    }
    const { headers, socket } = request
    const answer = answerTo(probe, monitor, { headers, ip: socket.remoteAddress ?? '', raw: request }, gate)
    sendTo(response, answer, request.method)
  })
  server.listen({ port, host })
  try {
    await once(server, 'listening')
  } catch (error) {
    throw new ListenError(port, (error as Error).message)
  }
  // Out of file descriptors, say: that must not end the process.
  server.on('error', (err) => log.warn({ err }, 'the server of the health probes has a fault'))
  log.info({}, `health probes at port ${(server.address() as AddressInfo).port}`)
  return server.unref()
}

export async function stopProbeServer(server: Server): Promise<void> {
  const closed = once(server, 'close')
  server.close()
  server.closeAllConnections()
  await closed
}
