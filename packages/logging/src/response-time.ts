import type { FastifyReply } from 'fastify'

/** How long a request took. */
export function microsOf(reply: FastifyReply): number {
  return Math.round(reply.elapsedTime * 1_000)
}

const thousandths = Array.from({ length: 1_000 }, (_, n) =>
  n === 0 ? '' : `.${`${n}`.padStart(3, '0').replace(/0+$/, '')}`,
)

/** In ms, to the µs. A number with a fraction takes long to become text. */
export function timeText(reply: FastifyReply): string {
  const micros = microsOf(reply)
  return `${Math.floor(micros / 1_000)}${thousandths[micros % 1_000]}`
}
