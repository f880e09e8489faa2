/** The severity of RFC 5424, 6.2.1, of a level of pino, by its number: customs lie between the known. */
export function severityOf(level: number): number {
  if (level >= 60) return 2 // critical
  if (level >= 50) return 3 // error
  if (level >= 40) return 4 // warning
  if (level >= 30) return 6 // informational
  return 7 // debug
}
