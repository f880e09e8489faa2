const encoded = /%(?:25){0,3}([2-7][\da-f])|(?<!\\)\\{1,8}u00([2-7][\da-f])/gi

/**
 * A text whose letters are plain: those of a URL may be percent-encoded without need, those of JSON within a text written as
 * `\u0061`, so that names would not be seen. What is encoded more than once is encoded once.
 */
export function decode(text: string): string {
  return text.replace(encoded, (all, byte: string | undefined, unit: string | undefined) => {
    const sign = String.fromCharCode(Number.parseInt(byte ?? unit!, 16))
    return /[\w.~-]/.test(sign) ? sign : byte === undefined ? all : `%${byte}`
  })
}
