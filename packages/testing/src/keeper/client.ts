import { createConnection, type Socket } from 'node:net'
import { type Call, keeperSocket, onMessage, type Reply, send } from './protocol.js'
import { runFolderVariable, startRun } from './run.js'

interface Waiting {
  resolve(value: unknown): void
  reject(error: Error): void
}

/** This process's line to the keeper of its servers. It keeps the process alive only while an answer is due. */
class Client {
  readonly #socket: Socket
  readonly #waiting = new Map<number, Waiting>()
  #count = 0

  constructor(socket: Socket) {
    this.#socket = socket
    socket.unref()
    onMessage<Reply>(socket, ({ id, value, error }) => {
      const call = this.#waiting.get(id)
      this.#waiting.delete(id)
      if (this.#waiting.size === 0) socket.unref()
      if (error === undefined) call?.resolve(value)
      else call?.reject(new Error(error))
    })
    socket.on('error', () => {})
    socket.once('close', () => {
      for (const { reject } of this.#waiting.values()) reject(new Error('the keeper of the test servers is gone'))
    })
  }

  call<T>(call: Call): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.#socket.destroyed) return reject(new Error('the keeper of the test servers is gone'))
      this.#socket.ref()
      this.#waiting.set(++this.#count, { resolve: resolve as (value: unknown) => void, reject })
      send(this.#socket, { ...call, id: this.#count })
    })
  }
}

interface Connection {
  folder: string
  client: Client
}

let connection: Promise<Connection> | undefined

/** Asks the keeper of this run; outside a run, this process gets a keeper of its own. */
export async function askKeeper<T>(call: Call): Promise<T> {
  connection ??= connect()
  return (await connection).client.call<T>(call)
}

/** A folder that lasts as long as the run. */
export async function runFolder(): Promise<string> {
  connection ??= connect()
  return (await connection).folder
}

async function connect(): Promise<Connection> {
  const folder = process.env[runFolderVariable] || (await startRun()).folder
  const socket = createConnection(keeperSocket(folder))
  await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject))
  return { folder, client: new Client(socket) }
}
