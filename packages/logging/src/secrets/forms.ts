import { replaceCards } from './cards.js'
import { replaceCredentials } from './urls.js'
import { backslashesBefore } from './value.js'

/** What separates two words may itself be escaped, where a text was made JSON more than once. */
const bearer = /\b((?:bearer|basic)(?:\s|%20|\+)+)[\w.~+/-]{8,}=*/gi
const pem = /-----BEGIN [A-Z\d ]{0,40}PRIVATE KEY-----/g
const pemEnd = /-----END [A-Z\d ]{0,40}PRIVATE KEY-----|"/g
/** From the second part on. */
const webToken = /\.eyJ[\w-]{5,}\.[\w-]*/g
const ofServices =
  /\b(?:AKIA|ASIA)[A-Z\d]{16}\b|\bgh[pousr]_\w{20,}|\bgithub_pat_\w{20,}|\bglpat-[\w-]{16,}|\bxox[abeoprs]-[\w-]{10,}|\b[rs]k_(?:live|test)_\w{10,}|\bnpm_\w{30,}|\bsk-[\w-]{20,}/g

/** Replaces what is secret in any text by what it looks like. Takes time in proportion to the text, whatever stands in it. */
export function replaceForms(text: string, censor: string): string {
  let clean = text.replace(bearer, (_, words: string) => words + censor)
  clean = replaceWebTokens(replaceKeys(replaceCredentials(clean, censor), censor), censor)
  return replaceCards(clean.replace(ofServices, censor), censor)
}

function replaceKeys(text: string, censor: string): string {
  let clean = ''
  let done = 0
  pem.lastIndex = 0
  for (let match = pem.exec(text); match; match = pem.exec(text)) {
    clean += text.slice(done, match.index) + censor
    pemEnd.lastIndex = match.index + match[0].length
    const end = pemEnd.exec(text)
    done = !end ? text.length : end[0] === '"' ? end.index - backslashesBefore(text, end.index) : pemEnd.lastIndex
    pem.lastIndex = done
  }
  return done === 0 ? text : clean + text.slice(done)
}

function replaceWebTokens(text: string, censor: string): string {
  let clean = ''
  let done = 0
  webToken.lastIndex = 0
  for (let match = webToken.exec(text); match; match = webToken.exec(text)) {
    let from = match.index
    while (from > done && /[\w-]/.test(text[from - 1]!)) from--
    const head = text.slice(from, match.index).search(/\beyJ[\w-]{5}/)
    if (head < 0) {
      // Its second part may be the first of another.
      webToken.lastIndex = match.index + 1
      continue
    }
    clean += text.slice(done, from + head) + censor
    done = webToken.lastIndex
  }
  return done === 0 ? text : clean + text.slice(done)
}
