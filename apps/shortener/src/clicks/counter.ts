import type { FastifyRequest } from 'fastify'
import type { Click } from './click.js'
import type { VisitorSalts } from './salts.js'
import type { ClickCounts, ClickSink } from './sink.js'
import { agentOf } from './user-agent.js'

/**
 * Counts the redirect of a request. Never fails; what it returns is to be waited for before the answer goes out, so that a click that was
 * answered is where it outlives this process.
 */
export type CountClick = (request: FastifyRequest, linkId: number) => Promise<void> | undefined

export function clickCounter(sink: ClickSink, counts: ClickCounts, salts: VisitorSalts): CountClick {
  return (request, linkId) => {
    counts.accepted++
    return sink.add(clickOf(request, linkId, salts))
  }
}

function clickOf({ id, headers, ip }: FastifyRequest, linkId: number, salts: VisitorSalts): Click {
  const atMs = Date.now()
  const userAgent = headers['user-agent']
  const { browser, isBot } = agentOf(userAgent)
  return {
    eventId: id,
    linkId,
    atMs,
    referrer: hostOf(headers.referer),
    browser,
    isBot: isBot || `${headers['sec-purpose'] ?? headers.purpose}`.includes('prefetch'),
    visitor: salts.hash(linkId, ip, userAgent ?? '', atMs),
  }
}

/** The host alone: paths of other sites may tell more than anybody should know. */
function hostOf(referrer: string | undefined): string {
  const url = referrer && URL.canParse(referrer) ? new URL(referrer) : undefined
  return url && /^https?:$/.test(url.protocol) ? url.hostname.slice(0, 253) : ''
}
