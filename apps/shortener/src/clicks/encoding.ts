import Type from 'typebox'
import { Compile } from 'typebox/compile'
import type { Click } from './click.js'

const version = 1
const lastMs = 253_402_300_799_999

/** A click as it lies in a stream: an array, in the order of the fields, after the number of the form. */
const Encoded = Type.Tuple([
  Type.Literal(version),
  Type.String({ minLength: 1, maxLength: 64 }),
  Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }),
  Type.Integer({ minimum: 0, maximum: lastMs }),
  Type.String({ maxLength: 253 }),
  Type.String({ maxLength: 64 }),
  Type.Boolean(),
  Type.Union([Type.String({ pattern: '^([0-9a-f]{2})+$' }), Type.Null()]),
])
const encoded = Compile(Encoded)

export function encode({ eventId, linkId, atMs, referrer, browser, isBot, visitor }: Click): string {
  return JSON.stringify([version, eventId, linkId, atMs, referrer, browser, isBot, visitor])
}

/** @throws Error that says why it is no click */
export function decode(text: string): Click {
  const value: unknown = JSON.parse(text)
  if (!encoded.Check(value)) {
    const [fault] = encoded.Errors(value)
    throw new TypeError(`is no click: ${fault?.instancePath ?? ''} ${fault?.message ?? ''}`)
  }
  const [, eventId, linkId, atMs, referrer, browser, isBot, visitor] = value
  return { eventId, linkId, atMs, referrer, browser, isBot, visitor }
}
