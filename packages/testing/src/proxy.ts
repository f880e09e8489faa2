import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

export interface TcpProxy {
  readonly port: number
  /** `url` with this proxy's address in it. */
  through(url: string): string
  /** How many client connections are open. */
  connections(): number
  /** Resets every connection; new ones are taken. */
  cut(): void
  /** From now on nothing passes either way, neither data nor an end, on old connections and on new ones, which are taken. */
  halfOpen(): void
  /** From now on every chunk arrives this much later, in order. */
  delay(ms: number): void
  /** Resets every connection and refuses new ones. */
  refuse(): Promise<void>
  /** Takes connections again and lets everything pass at once. Those that were half-open stay so, as on a broken network. */
  restore(): Promise<void>
  /** Cuts everything and closes. */
  release(): Promise<void>
}

interface Link {
  client: Socket
  target: Socket
  isFrozen: boolean
}

/** A TCP proxy on 127.0.0.1 in front of the server at `targetUrl`, to break the network between the two. */
export async function startProxy(targetUrl: string): Promise<TcpProxy> {
  const target = new URL(targetUrl)
  const host = target.hostname.replace(/^\[|\]$/g, '') // of an IPv6 address
  const links = new Set<Link>()
  let delayMs = 0
  let isHalfOpen = false
  let server = await listen(0)
  const { port } = server.address() as AddressInfo

  async function listen(port: number): Promise<Server> {
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, accept)
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
    return server
  }

  function accept(client: Socket): void {
    const toTarget = connect({ port: Number(target.port), host, allowHalfOpen: true })
    const link = { client, target: toTarget, isFrozen: isHalfOpen }
    links.add(link)
    if (isHalfOpen) toTarget.pause()
    pass(link, client, toTarget)
    pass(link, toTarget, client)
    if (!isHalfOpen) client.resume()
  }

  function pass(link: Link, from: Socket, to: Socket): void {
    let queue = Promise.resolve()
    const later = (act: () => void) => {
      const dueMs = performance.now() + delayMs
      queue = queue.then(async () => {
        if (dueMs > performance.now()) await sleep(dueMs - performance.now(), undefined, { ref: false })
        if (!link.isFrozen) act()
      })
    }
    from.on('data', (chunk) =>
      later(() => {
        // Who does not read holds up who sends, as on a real network.
        if (to.write(chunk)) return
        from.pause()
        to.once('drain', () => link.isFrozen || from.resume())
      }),
    )
    from.on('end', () => later(() => to.end()))
    from.on('error', () => drop(link))
    from.on('close', () => {
      if (link.client.closed && link.target.closed) links.delete(link)
    })
  }

  function drop(link: Link): void {
    links.delete(link)
    for (const socket of [link.client, link.target]) {
      // Node can't reset a socket whose end is on its way, and would leave its handle open for good.
      if (socket.writableEnded) socket.destroy()
      else socket.resetAndDestroy()
    }
  }

  const cut = () => links.forEach(drop)
  const close = async () => {
    if (!server.listening) return cut()
    server.close()
    cut()
    await once(server, 'close')
  }
  return {
    port,
    through(url) {
      const changed = new URL(url)
      changed.host = `127.0.0.1:${port}`
      return changed.href
    },
    connections: () => links.size,
    cut,
    halfOpen() {
      isHalfOpen = true
      for (const link of links) {
        link.isFrozen = true
        link.client.pause()
        link.target.pause()
      }
    },
    delay(ms) {
      delayMs = ms
    },
    refuse: close,
    async restore() {
      isHalfOpen = false
      delayMs = 0
      if (!server.listening) server = await listen(port)
    },
    release: close,
  }
}
