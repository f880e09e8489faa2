/** Numbers of Visa, Mastercard, American Express, Diners Club, JCB and Discover, by their first digits and length. */
const card =
  /(?:(?<![\w.])|(?<=%[\dA-F]{2}))(?:4\d{3}(?:(?:[ +-]|%20)?\d{4}){2}(?:(?:[ +-]|%20)?\d{4}(?:(?:[ +-]|%20)?\d{3})?|(?:[ +-]|%20)?\d)|(?:5[1-5]\d\d|2[2-7]\d\d|35\d\d|6011|6[45]\d\d)(?:(?:[ +-]|%20)?\d{4}){3}|3[47]\d\d(?:[ +-]|%20)?\d{6}(?:[ +-]|%20)?\d{5}|3[0689]\d\d(?:[ +-]|%20)?\d{6}(?:[ +-]|%20)?\d{4})(?!\.?\d|\w)/gi

export function replaceCards(text: string, censor: string): string {
  return text.replace(card, (number, at: number) => {
    if (!isLuhn(number)) return number
    // In JSON a number that stands by itself becomes a text, where that is certain: in a text the quotes would be escaped.
    if (/[^\\]":$/.test(text.slice(Math.max(0, at - 3), at))) return `"${censor}"`
    const isAlone = /[[,]/.test(text[at - 1] ?? '') && /[\],]/.test(text[at + number.length] ?? '')
    return isAlone ? '0' : censor
  })
}

/** ISO/IEC 7812-1, annex B. */
function isLuhn(number: string): boolean {
  const digits = number.replace(/%20|\D/g, '')
  let sum = 0
  for (let i = 0; i < digits.length; i++) {
    const digit = Number(digits[digits.length - 1 - i])
    sum += i % 2 === 0 ? digit : digit > 4 ? 2 * digit - 9 : 2 * digit
  }
  return sum % 10 === 0
}
