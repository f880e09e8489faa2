import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { performance } from 'node:perf_hooks' // the global is a getter
import type { FastifyReply, FastifyRequest, RouteHandlerMethod } from 'fastify'
import type { RouteTraffic, Traffic } from '../rules/traffic.js'
import { ConfigOf } from './config-of.js'
import type { Servers } from './servers.js'

/** A request that is being answered; a connection of HTTP/1.1 has one of these for all of its requests. */
interface Turn {
  of: object
  response: ServerResponse | undefined
  route: RouteTraffic
  startMs: number
}

const ownTurn: unique symbol = Symbol('steadfast.alerts.turn')

/** `_httpMessage` is what Node's http server answers on a connection just now. */
type Connection = Socket & { [ownTurn]?: Turn; _httpMessage?: ServerResponse | null }

interface RouteConfig {
  url?: string
  steadfast?: { probe?: boolean }
}

/** A response that can't go by the turn of its connection has one of its own. */
type Response = ServerResponse & { [ownTurn]?: Turn }

/** What Node's http server tells of every request and of every reply that went out (diagnostics_channel, HTTP/1.1 alone). */
interface Message {
  request: IncomingMessage
  response: ServerResponse
  socket: Connection
  server: object
}

const startChannel = 'http.server.request.start'
const finishChannel = 'http.server.response.finish'

/**
 * Hears of requests without a listener for each, which would cost more than all that is done with it; and where it need not know
 * their routes, without a hook too, which costs as much again.
 */
export class Requests {
  readonly #traffic: Traffic
  /** By the config that each route has; undefined for probes. */
  readonly #routes = new WeakMap<object, { traffic: RouteTraffic | undefined }>()
  /** What no rule counts. */
  readonly #none: RouteTraffic = { windows: [] }
  readonly #onStart: ((message: unknown) => void) | undefined
  readonly #onFinish: (message: unknown) => void
  readonly #configOf = new ConfigOf()
  #isListening = false

  /** @param servers whose requests are counted as they come; undefined where `note` is called for each */
  constructor(traffic: Traffic, servers?: Servers) {
    this.#traffic = traffic
    const all = traffic.routeOf(undefined)
    this.#onStart =
      servers &&
      ((message) => {
        const { request, response, socket, server } = message as Message
        // It is assigned to its connection right after this, unless another is before it.
        if (servers.has(server)) this.#begin(request, response, all, !socket._httpMessage)
      })
    this.#onFinish = (message) => {
      const { socket, response } = message as Message
      const turn = socket[ownTurn]
      if (turn?.response === response && turn.of === this) this.#end(turn)
    }
  }

  start(): void {
    if (this.#onStart) subscribe(startChannel, this.#onStart)
    subscribe(finishChannel, this.#onFinish)
    this.#isListening = true
  }

  stop(): void {
    if (this.#onStart) unsubscribe(startChannel, this.#onStart)
    if (this.#isListening) unsubscribe(finishChannel, this.#onFinish)
    this.#isListening = false
  }

  /** For routes whose requests are counted as they come: those that come by inject(), without a server, reach it as well. */
  handlerOf(handler: RouteHandlerMethod): RouteHandlerMethod {
    const requests = this
    return function countInjected(request, reply) {
      if (!requests.#isListening) requests.note(request, reply)
      return handler.call(this, request, reply)
    }
  }

  /** A request that no rule counts has begun to be counted. */
  forget(request: FastifyRequest, reply: FastifyReply): void {
    const turn = (request.raw.socket as Connection)[ownTurn]
    const own = turn?.response === reply.raw ? turn : (reply.raw as Response)[ownTurn]
    if (own?.of === this) own.route = this.#none
  }

  /** At the first onRequest. */
  note(request: FastifyRequest, reply: FastifyReply): void {
    const config = this.#configOf.of(request)
    const route = (this.#routes.get(config) ?? this.#add(config)).traffic
    if (route) this.#begin(request.raw, reply.raw, route, (request.raw.socket as Connection)._httpMessage === reply.raw)
  }

  #begin(request: IncomingMessage, response: ServerResponse, route: RouteTraffic, isNext: boolean): void {
    const turn = this.#turnFor(request, response, route, isNext)
    turn.response = response
    turn.route = route
    turn.startMs = performance.now()
  }

  #add(config: object): { traffic: RouteTraffic | undefined } {
    const entry = { traffic: isProbe(config) ? undefined : this.#traffic.routeOf((config as RouteConfig).url) }
    this.#routes.set(config, entry)
    return entry
  }

  #turnFor(request: IncomingMessage, response: Response, route: RouteTraffic, isNext: boolean): Turn {
    const socket: Connection = request.socket
    const isFollowed = this.#isListening && isNext && !(request as { upgrade?: boolean }).upgrade
    const turn = isFollowed ? socket[ownTurn] : undefined
    if (turn?.of === this) return turn
    const own: Turn = { of: this, response, route, startMs: 0.5 }
    if (isFollowed && !turn) {
      socket[ownTurn] = own
      socket.once('close', () => own.response && this.#end(own))
    } else {
      // HTTP/2, inject, a pipelined request, or a connection that another app has.
      response[ownTurn] = own
      response.once('close', () => own.response && this.#end(own))
    }
    return own
  }

  /** One that was broken off before its answer has lasted as long as it did, and is no failure of ours. */
  #end(turn: Turn): void {
    const { response, route } = turn
    turn.response = undefined // a connection may be idle for long
    const isError = response!.writableEnded && response!.statusCode >= 500
    this.#traffic.record(route, performance.now() - turn.startMs, isError)
  }
}

export function isProbe(config: object | undefined): boolean {
  return (config as RouteConfig | undefined)?.steadfast?.probe === true
}
