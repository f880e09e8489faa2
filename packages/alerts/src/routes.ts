import type { Alert } from './alert.js'
import * as given from './given.js'
import { checkMatcher, type Matcher, matches } from './matcher.js'

/** Which channels hear of which alerts. */
export interface Route {
  match: Matcher
  /** Names of channels. */
  channels: string[]
  /** How often an incident is told again while it lasts. Default never. */
  repeatMs?: number
  /** Labels whose values must be equal for alerts to share a message. Default none: all do. */
  groupBy?: string[]
}

export interface Way {
  /** All channels, if it names none. */
  channels: readonly string[] | undefined
  repeatMs: number | undefined
  groupBy: readonly string[]
}

const everywhere: Way = { channels: undefined, repeatMs: undefined, groupBy: [] }

const texts: given.Rule = {
  must: 'a list of texts, with one at least',
  test: (value) => Array.isArray(value) && value.length > 0 && value.every((each) => given.text.test(each)),
}

/** The first route that matches; all channels for what none does. */
export function wayOf(alert: Alert, routes: readonly Route[]): Way {
  const route = routes.find(({ match }) => matches(match, alert))
  if (!route) return everywhere
  return { channels: route.channels, repeatMs: route.repeatMs, groupBy: route.groupBy ?? [] }
}

/**
 * @throws ERR_ALERTS_OPTION
 * @throws ERR_ALERTS_UNKNOWN_OPTION
 */
export function resolveRoutes(routes: Route[] | undefined, channels: readonly string[]): Route[] {
  for (const [index, route] of given.take('routes', routes, given.list, []).entries()) {
    const of = `routes[${index}]`
    given.takeObject(of, route, ['match', 'channels', 'repeatMs', 'groupBy'])
    checkMatcher(`${of}.match`, route.match)
    for (const name of given.need(`${of}.channels`, route.channels, texts)) {
      if (!channels.includes(name)) given.fail(`${of}.channels`, `names of channels (${channels.join(', ')})`, name)
    }
    given.take(`${of}.repeatMs`, route.repeatMs, given.duration)
    given.take(`${of}.groupBy`, route.groupBy, texts)
  }
  return routes ?? []
}
