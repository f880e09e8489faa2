/** Where the part of a URL begins that may have user and password, plain or percent-encoded. */
const start = /([a-z][a-z\d+.-]{1,20}):(?:\\{0,8}\/){2}|([a-z][a-z\d+.-]{1,20})%3A%2F%2F/gi
const plainEnd = /[\s/?#"\\<>]/g
const encodedEnd = /[\s/?#"\\<>&;']|%2F|%3F|%23/gi
/** Where a password ends at the latest that has signs in it which should have been encoded. */
const looseEnd = /[\s"\\<>]/g
const looseLength = 256

const isHttp = /^(?:https?|wss?|.*\+https?)$/i
const endsInPort = /^(?:[^:]*|\[.*\]):\d{0,5}$/

/** User and password in URLs, and a token as the user. */
export function replaceCredentials(text: string, censor: string): string {
  let clean = ''
  let done = 0
  start.lastIndex = 0
  for (let match = start.exec(text); match; match = start.exec(text)) {
    const from = match.index + match[0].length
    const length = match[1] === undefined ? encodedLength(text, from, match[2]!) : plainLength(text, from, match[1])
    if (length <= 0) continue
    clean += text.slice(done, from) + censor
    done = start.lastIndex = from + length
  }
  return done === 0 ? text : clean + text.slice(done)
}

function endBy(end: RegExp, text: string, from: number): number {
  end.lastIndex = from
  return end.exec(text)?.index ?? text.length
}

function plainLength(text: string, from: number, scheme: string): number {
  const authority = text.slice(from, endBy(plainEnd, text, from))
  const at = authority.lastIndexOf('@')
  if (at >= 0) return authority.slice(0, at).includes(':') || isHttp.test(scheme) ? at : -1
  if (!authority.includes(':') || authority[0] === '[' || (isHttp.test(scheme) && endsInPort.test(authority))) return -1
  const rest = text.slice(from, Math.min(from + looseLength, from + authority.length + looseLength))
  return rest.slice(0, endBy(looseEnd, rest, 0)).lastIndexOf('@')
}

function encodedLength(text: string, from: number, scheme: string): number {
  const authority = text.slice(from, endBy(encodedEnd, text, from))
  const at = Math.max(authority.lastIndexOf('%40'), authority.lastIndexOf('@'))
  return at >= 0 && (/%3A|:/i.test(authority.slice(0, at)) || isHttp.test(scheme)) ? at : -1
}
