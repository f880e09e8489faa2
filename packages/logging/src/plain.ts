const slash = 47
/** 1 for letters, digits and . _ -, 2 for /, 0 for all else. */
const kinds = Uint8Array.from({ length: 128 }, (_, code) =>
  code === slash ? 2 : Number(/[\w.-]/.test(String.fromCharCode(code))),
)
/** No card and no key is shorter. */
const longestRun = 12

/** Whether a text is of such signs alone, and too short between its slashes to be a secret: it needs no quoting and no look. */
export function isPlain(text: string): boolean {
  let run = 0
  for (let i = 0; i < text.length; i++) {
    const kind = kinds[text.charCodeAt(i)]
    if (kind === 1) {
      if (++run > longestRun) return false
    } else if (kind === 2) run = 0
    else return false
  }
  return true
}

export function isAscii(text: string): boolean {
  return Buffer.byteLength(text) === text.length
}
