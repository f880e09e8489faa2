import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Faults } from '../faults.js'
import type { LabelValues } from '../labels.js'

/** Gives the value of a label. It is called once, at the end of a request. */
export type LabelOf = (request: FastifyRequest, reply: FastifyReply) => string | number

/** Labels of the user's own. A callback that fails gives an empty one. */
export class CustomLabels {
  readonly #labels: [name: string, labelOf: LabelOf][]
  readonly #faults: Faults

  constructor(labels: Record<string, LabelOf>, faults: Faults) {
    this.#labels = Object.entries(labels)
    this.#faults = faults
  }

  of(request: FastifyRequest, reply: FastifyReply): LabelValues {
    const values: Record<string, string | number> = {}
    for (const [name, labelOf] of this.#labels) values[name] = this.#value(name, labelOf, request, reply)
    return values
  }

  #value(name: string, labelOf: LabelOf, request: FastifyRequest, reply: FastifyReply): string | number {
    try {
      const value: unknown = labelOf(request, reply)
      if (typeof value === 'string' || typeof value === 'number') return value
      // A promise comes too late, and what it is rejected with would end the process.
      if (value instanceof Promise) value.catch(() => {})
      throw new TypeError(`it gave ${value instanceof Promise ? 'a promise' : typeof value}, not a text or a number`)
    } catch (error) {
      this.#faults.report('labels', `the label ${name} has failed (${(error as Error)?.message ?? error})`, error)
      return ''
    }
  }
}
