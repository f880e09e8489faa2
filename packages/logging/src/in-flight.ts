import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyReply, FastifyRequest } from 'fastify'

/** A request that is being answered. A connection of HTTP/1.1 answers one at a time, and has one of these for all of its requests. */
export class Turn {
  reply: FastifyReply | undefined = undefined
  /** What the connection had sent before. */
  sentBytes = 0
  /** What of the body was written, where the connection does not tell. */
  writtenBytes: number | undefined = undefined
  /** The client's address as lines have it, once it is known to be that of the connection. */
  addressText: string | undefined = undefined
  /** The client's address, as long as the text is not known: a connection that is lost has none any more. */
  ip: string | undefined = undefined
}

/** Where a connection, or else a response, leads to its turn. */
type Owner = Record<symbol, Turn | undefined>

/** What Node keeps of a connection, where there is no other way to ask for it. */
type Connection = Socket & {
  /** What its http server answers just now. */
  _httpMessage?: ServerResponse | null
  /** As bytesWritten, which also looks through what is waiting, at three times the cost. */
  _bytesDispatched: number
}

/** Knows the requests that are under way, and tells of those whose connection is lost. */
export class InFlight {
  readonly #own: symbol = Symbol('steadfast.logging.turn')
  /** Of HTTP/1.1: what waits for its turn on a connection. Node tells it nothing if that is lost. */
  readonly #waiting = new WeakMap<Socket, Set<FastifyReply>>()
  readonly #onLost: (reply: FastifyReply) => void

  constructor(onLost: (reply: FastifyReply) => void) {
    this.#onLost = onLost
  }

  begin(request: FastifyRequest, reply: FastifyReply): void {
    const raw = request.raw as IncomingMessage & { upgrade?: boolean | null }
    const socket = (raw.httpVersionMajor === 1 ? raw.socket : undefined) as Connection | undefined
    if (socket?._httpMessage !== reply.raw || raw.upgrade) {
      this.#beginAlone(reply)
      return
    }
    const turn = owner(socket)[this.#own] ?? this.#follow(socket)
    turn.reply = reply
    turn.sentBytes = socket._bytesDispatched
    if (turn.addressText === undefined) turn.ip = request.ip
  }

  /** Ends a request, once: undefined if it has ended before, else its turn. */
  end(reply: FastifyReply): Turn | undefined {
    const turn = owner(reply.raw)[this.#own] ?? owner(reply.request.raw.socket)[this.#own]
    if (turn?.reply !== reply) return undefined
    turn.reply = undefined
    return turn
  }

  /** What of its body went out, as nginx counts it: with what frames its chunks. */
  bodyBytes({ writtenBytes, sentBytes }: Turn, { raw, request }: FastifyReply): number {
    const headBytes = (raw as { _header?: string | null })._header?.length ?? 0
    return writtenBytes ?? Math.max(0, (request.raw.socket as Connection)._bytesDispatched - sentBytes - headBytes)
  }

  #follow(socket: Connection): Turn {
    const turn = new Turn()
    owner(socket)[this.#own] = turn
    socket.once('close', () => turn.reply && this.#onLost(turn.reply))
    return turn
  }

  /** HTTP/2, inject, an upgrade, or a reply that waits for its turn. */
  #beginAlone(reply: FastifyReply): void {
    const response = reply.raw as { write: (...args: unknown[]) => boolean }
    const turn = new Turn()
    turn.reply = reply
    turn.ip = reply.request.ip
    turn.writtenBytes = 0
    owner(reply.raw)[this.#own] = turn
    const { write } = response
    response.write = function (chunk, encoding, ...rest) {
      turn.writtenBytes! += Buffer.byteLength(
        chunk as string,
        typeof encoding === 'string' ? (encoding as 'utf8') : 'utf8',
      )
      return write.call(this, chunk, encoding, ...rest)
    }
    reply.raw.once('close', () => turn.reply && this.#onLost(reply))
    if (reply.raw.socket === null) this.#wait(reply)
  }

  #wait(reply: FastifyReply): void {
    const { socket } = reply.request.raw
    let waiting = this.#waiting.get(socket)
    if (!waiting) {
      waiting = new Set()
      this.#waiting.set(socket, waiting)
      const all = waiting
      socket.once('close', () => all.forEach(this.#onLost))
    }
    const all = waiting
    all.add(reply)
    reply.raw.once('close', () => all.delete(reply))
  }
}

function owner(raw: object): Owner {
  return raw as Owner
}
