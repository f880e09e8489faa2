const names: Record<number, string> = { 10: 'TRACE', 20: 'DEBUG', 30: 'INFO', 40: 'WARN', 50: 'ERROR', 60: 'FATAL' }
const severities: Record<number, string> = { 2: 'FATAL', 3: 'ERROR', 4: 'WARN', 6: 'INFO', 7: 'DEBUG' }
const colors: Record<string, number> = { TRACE: 90, DEBUG: 36, INFO: 32, WARN: 33, ERROR: 31, FATAL: 35 }

/** Which field says what, by the options of the logger. */
export interface PrettyOptions {
  isColored: boolean
  messageKey: string
  errorKey: string
}

/** A line of JSON as people read it, in one line, and the stack of an error below. */
export function pretty(line: string, { isColored, messageKey, errorKey }: PrettyOptions): string {
  let fields: Record<string, unknown>
  try {
    fields = JSON.parse(line) as Record<string, unknown>
  } catch {
    return `${harmless(line.trimEnd())}\n`
  }
  const { level, time, pid: _pid, hostname: _host, [messageKey]: message, [errorKey]: err, ...rest } = fields
  const name = names[level as number] ?? severities[level as number] ?? harmless(`${level}`.toUpperCase())
  const color = (code: number | undefined, text: string) =>
    isColored && code !== undefined ? `\u001b[${code}m${text}\u001b[0m` : text
  const details = Object.entries(rest).map(([key, value]) => `${color(90, `${harmless(key)}=`)}${brief(value)}`)
  const { stack, ...error } = (typeof err === 'object' && err !== null ? err : {}) as Record<string, unknown>
  if (err !== undefined) details.push(`${color(90, `${errorKey}=`)}${brief(typeof stack === 'string' ? error : err)}`)
  const head = [clock(time), color(colors[name], name.padEnd(5)), brief(message), ...details].filter(Boolean).join(' ')
  const below = typeof stack === 'string' ? stack.split('\n').map((call) => `    ${harmless(call)}\n`) : []
  return `${head}\n${below.join('')}`
}

function clock(time: unknown): string {
  const date = new Date(time as number)
  if (Number.isNaN(date.getTime())) return ''
  const parts = [date.getHours(), date.getMinutes(), date.getSeconds()].map((part) => `${part}`.padStart(2, '0'))
  return `${parts.join(':')}.${`${date.getMilliseconds()}`.padStart(3, '0')}`
}

function brief(value: unknown): string {
  if (value === undefined) return ''
  return harmless(typeof value === 'string' ? value : JSON.stringify(value))
}

/** Control characters could break lines, forge others, or steer the terminal. */
function harmless(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g, (sign) => {
    return `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
}
