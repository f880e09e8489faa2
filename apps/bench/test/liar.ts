import { freePort } from '@steadfast/testing'
import type { Rung } from '../src/ladder/measure.js'
import { path } from '../src/ladder/workload.js'

/** A server that claims more than it does. */
export function liar(lie?: string, clients = 1): Rung {
  return {
    clients,
    name: lie ?? 'honest',
    about: '',
    parts: ['cache', 'health', 'limit', 'log', 'metrics'],
    servers: [],
    async program(logFolder) {
      const port = await freePort()
      const file = new URL('./fixtures/liar.js', import.meta.url).pathname
      const args = [JSON.stringify({ port, parts: [], logFolder, lie })]
      return { file, args, url: new URL(path, `http://127.0.0.1:${port}`) }
    },
  }
}
