import type { FastifyReply } from 'fastify'

type Behind = Record<symbol, Record<string, string> | undefined>

const probe = 'ratelimit'

/**
 * Sets headers whose names are known and lower-case. `reply.header` looks each up by its name, twice, which costs as much as a limit's
 * decision: the object it writes into stands behind a symbol of Fastify's own, and where that is not found, `reply.header` is called.
 */
export class ReplyHeaders {
  /** Until it is known, one that no reply has. */
  #symbol: symbol = Symbol('not sought')
  #hasLooked = false

  setDraft(reply: FastifyReply, policies: string, limits: string): void {
    const headers = (reply as unknown as Behind)[this.#symbol]
    if (headers) {
      headers['ratelimit-policy'] = policies
      headers.ratelimit = limits
    } else this.#setByName(reply, policies, limits)
  }

  #setByName(reply: FastifyReply, policies: string, limits: string): void {
    reply.header('ratelimit-policy', policies).header('ratelimit', limits)
    if (!this.#hasLooked) this.#look(reply)
  }

  #look(reply: FastifyReply): void {
    this.#hasLooked = true
    const symbol = Object.getOwnPropertySymbols(reply).find(
      ({ description }) => description === 'fastify.reply.headers',
    )
    if (!symbol) return
    const before = reply.getHeader(probe)
    reply.header(probe, 'x')
    if ((reply as unknown as Behind)[symbol]?.[probe] === 'x') this.#symbol = symbol
    if (before === undefined) reply.removeHeader(probe)
    else reply.header(probe, before)
  }
}
