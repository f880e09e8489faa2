import type { FastifyRequest, RouteOptions } from 'fastify'
import { ClaimMaker } from './claims.js'
import { Configs } from './configs.js'
import type { Engine } from './engine.js'
import * as given from './given.js'
import type { Headers } from './headers.js'
import type { RouteLimiterOptions } from './options.js'
import type { ResolvedPolicy } from './policy.js'
import { resolveRoute } from './route-config.js'
import type { Place, PlacedPolicy } from './scope.js'
import { Stage } from './stage.js'
import type { Bucket } from './stores/bucket.js'

/** What a route's requests have to pass. */
export interface Gate {
  early: Stage | undefined
  late: Stage | undefined
  settles: boolean
  /** Left alone, by the lists too. */
  isProbe: boolean
}

const gateKey: unique symbol = Symbol('steadfast.limiter.gate')

interface RouteConfig {
  [gateKey]?: Gate
  url?: string
  method?: string | string[]
  limiter?: RouteLimiterOptions | false
  steadfast?: { probe?: boolean }
}

const none: Gate = { early: undefined, late: undefined, settles: false, isProbe: false }
const probe: Gate = { ...none, isProbe: true }

/** The gates of an app's routes. Each is made once: with the route, or for routes that were there before, with its first request. */
export class Gates {
  readonly maker: ClaimMaker
  readonly #engine: Engine
  readonly #headers: Headers
  readonly #inherited: PlacedPolicy[]
  readonly #ofPlugin: Gate
  readonly #gates = new WeakMap<object, Gate>()
  readonly #configs = new Configs()
  /** By name and counters. */
  readonly #everywhere = new Map<string, Map<Bucket, PlacedPolicy>>()

  constructor(engine: Engine, headers: Headers, prefix: string) {
    this.#engine = engine
    this.#headers = headers
    this.maker = new ClaimMaker(engine)
    this.#inherited = this.place(engine.options.policies, ['plugin', prefix])
    this.#ofPlugin = this.#gateOf(this.#inherited)
  }

  /** What the policies of the plugin need on all routes. */
  get everywhere(): Gate {
    return this.#ofPlugin
  }

  /** The policies of the plugin. */
  get policies(): readonly PlacedPolicy[] {
    return this.#inherited
  }

  /** Those of the plugin, of routes and of hooks: more than one may have the same name. */
  get everyPolicy(): PlacedPolicy[] {
    return [...this.#everywhere.values()].flatMap((placed) => [...placed.values()])
  }

  /** Gives policies their counters, and notes where they hold. */
  place(policies: readonly ResolvedPolicy[], place: Place): PlacedPolicy[] {
    const all = this.#engine.places.put(policies, place)
    for (const policy of all) {
      const { name, bucket } = policy
      this.#everywhere.set(name, (this.#everywhere.get(name) ?? new Map()).set(bucket, policy))
    }
    return all
  }

  /**
   * @throws ERR_LIMITER_OPTION
   * @throws ERR_LIMITER_UNKNOWN_OPTION
   */
  declare(route: RouteOptions): Gate {
    const { config, url, method } = route
    const gate = this.#make({ ...(config as RouteConfig), url, method })
    // Fastify makes a config of its own out of it, and symbols come along.
    route.config = { ...config, [gateKey]: gate } as NonNullable<RouteOptions['config']>
    return gate
  }

  /**
   * @throws ERR_LIMITER_OPTION, and what `declare` throws, if the route was there before the plugin and can't be limited as it says
   */
  of(request: FastifyRequest): Gate {
    const config = this.#configs.of(request) as RouteConfig
    return config[gateKey] ?? this.#ofEarlier(config)
  }

  /** Of a route that was there before the plugin. */
  #ofEarlier(config: RouteConfig): Gate {
    return this.#gates.get(config) ?? this.#add(config)
  }

  #add(config: RouteConfig): Gate {
    const gate = this.#make(config)
    const { late, settles } = this.#ofPlugin
    if ((gate.late && !late) || (gate.settles && !settles)) {
      const must =
        'set on a route that is declared after the plugin is loaded (await app.register), where it has preHandler or settle'
      given.fail(`config.limiter of route ${config.url}`, must, config.limiter)
    }
    this.#gates.set(config, gate)
    return gate
  }

  /** Policies that a hook of its own asks, all at once. */
  stageOf(policies: readonly PlacedPolicy[], isLast = true): Stage {
    return new Stage(this.#engine, this.maker, this.#headers, policies, isLast)
  }

  #make(config: RouteConfig): Gate {
    const { url, method = 'GET', limiter, steadfast } = config
    if (steadfast?.probe === true) return probe
    if (url === undefined) return this.#engine.options.notFound ? this.#ofPlugin : none
    if (limiter === undefined) return this.#ofPlugin
    if (limiter === false) return none
    const route = `${methodsOf(method)} ${url}`
    const { inherited, own } = resolveRoute(`config.limiter of route ${route}`, limiter, this.#engine.options)
    const placed = new Map(this.#inherited.map((policy) => [policy.name, policy]))
    return this.#gateOf([
      ...inherited.map((policy) => ({ ...placed.get(policy.name)!, ...policy })),
      ...this.place(own, ['route', route]),
    ])
  }

  #gateOf(policies: PlacedPolicy[]): Gate {
    const at = (stage: PlacedPolicy['at']) => {
      const some = policies.filter((policy) => policy.at === stage)
      return some.length > 0 ? this.stageOf(some, stage === 'preHandler' || some.length === policies.length) : undefined
    }
    const settles = policies.some(({ settle }) => settle !== undefined)
    return { early: at('onRequest'), late: at('preHandler'), settles, isProbe: false }
  }
}

/** HEAD is GET without the body. */
export function methodsOf(method: string | string[]): string {
  const methods = [method].flat().map((each) => (each === 'HEAD' ? 'GET' : each))
  return [...new Set(methods)].sort().join(',')
}
