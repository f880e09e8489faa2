/** As much of a text as fits, with an ellipsis where it ends early; never half of a surrogate pair. */
export function clip(text: string, most: number): string {
  if (text.length <= most) return text
  const end = most - 1
  const code = text.charCodeAt(end - 1)
  return `${text.slice(0, code >= 0xd800 && code <= 0xdbff ? end - 1 : end)}…`
}
