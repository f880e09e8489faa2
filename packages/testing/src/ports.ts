import { createServer } from 'node:net'

/**
 * A TCP port of 127.0.0.1 that nothing listened on a moment ago; below those that the kernel gives to connections, so that it
 * is still free when a server that was killed comes back.
 */
export function freePort(): Promise<number> {
  return drawPort(tryPort)
}

/** A port whose partner 10,000 above, the bus of a Redis Cluster node, is free as well. */
export function freePortWithBus(): Promise<number> {
  return drawPort(async (port) => {
    await tryPort(port)
    await tryPort(port + 10_000)
  })
}

async function drawPort(tryIt: (port: number) => Promise<void>): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000)
    try {
      await tryIt(port)
      return port
    } catch {
      // taken: draw again
    }
  }
}

function tryPort(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => server.close(() => resolve()))
  })
}
