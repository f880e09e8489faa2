/** Freezes a value of JSON's domain all through, and tells about how many bytes it takes. */
export function freeze(value: unknown): number {
  if (typeof value === 'string') return 24 + value.length * 2
  if (typeof value !== 'object' || value === null) return 16
  let bytes = 64
  if (Array.isArray(value)) {
    for (const item of value) bytes += 8 + freeze(item)
  } else {
    for (const key in value) bytes += 40 + key.length + freeze((value as Record<string, unknown>)[key])
  }
  Object.freeze(value)
  return bytes
}
