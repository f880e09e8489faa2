import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { performance } from 'node:perf_hooks' // the global is a getter
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { RouteTraffic, Traffic } from '../rules/traffic.js'
import { ConfigOf } from './config-of.js'

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

/** Where Node's http server tells of every reply that went out (diagnostics_channel, HTTP/1.1 alone). */
const channel = 'http.server.response.finish'

/** Hears of the end of requests without a listener for each, which would cost more than all that is done with it. */
export class Requests {
  readonly #traffic: Traffic
  /** By the config that each route has; undefined for probes. */
  readonly #routes = new WeakMap<object, { traffic: RouteTraffic | undefined }>()
  readonly #onFinish: (message: unknown) => void
  readonly #configOf = new ConfigOf()
  /** The last that was asked for: most requests are for few routes. */
  #config: object | undefined
  #route: RouteTraffic | undefined
  #isListening = false

  constructor(traffic: Traffic) {
    this.#traffic = traffic
    this.#onFinish = (message) => {
      const { socket, response } = message as { socket: Connection; response: ServerResponse }
      const turn = socket[ownTurn]
      if (turn?.response === response && turn.of === this) this.#end(turn)
    }
  }

  start(): void {
    subscribe(channel, this.#onFinish)
    this.#isListening = true
  }

  stop(): void {
    if (this.#isListening) unsubscribe(channel, this.#onFinish)
    this.#isListening = false
  }

  /** At the first onRequest. */
  note(request: FastifyRequest, reply: FastifyReply): void {
    const config = this.#configOf.of(request)
    if (config !== this.#config) {
      this.#route = (this.#routes.get(config) ?? this.#add(config)).traffic
      this.#config = config
    }
    const route = this.#route
    if (!route) return
    const turn = this.#turnFor(request.raw, reply.raw, route)
    turn.response = reply.raw
    turn.route = route
    turn.startMs = performance.now()
  }

  #add(config: object): { traffic: RouteTraffic | undefined } {
    const { url, steadfast } = config as RouteConfig
    const entry = { traffic: steadfast?.probe === true ? undefined : this.#traffic.routeOf(url) }
    this.#routes.set(config, entry)
    return entry
  }

  #turnFor(request: IncomingMessage, response: ServerResponse, route: RouteTraffic): Turn {
    const socket: Connection = request.socket
    const isFollowed =
      this.#isListening && socket._httpMessage === response && !(request as { upgrade?: boolean }).upgrade
    const turn = isFollowed ? socket[ownTurn] : undefined
    if (turn?.of === this) return turn
    const own: Turn = { of: this, response, route, startMs: 0.5 }
    if (isFollowed && !turn) {
      socket[ownTurn] = own
      socket.once('close', () => own.response && this.#end(own))
    } else {
      // HTTP/2, inject, a pipelined request, or a connection that another app has.
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
