import { isbot } from 'isbot'

export interface Agent {
  browser: string
  isBot: boolean
}

/** In this order, since most browsers name others that they want to pass for. */
const browsers: [name: string, sign: RegExp][] = [
  ['Edge', /\bEdg(e|A|iOS)?\//],
  ['Opera', /\b(OPR|Opera)\b/],
  ['Samsung Internet', /\bSamsungBrowser\//],
  ['Firefox', /\b(Firefox|FxiOS)\//],
  ['Chrome', /\b(Chrome|CriOS|Chromium)\//],
  ['Safari', /\bVersion\/.*Safari\//],
]

const mostKept = 1_000
const longest = 512
const kept = new Map<string, Agent>()

/** What a User-Agent header tells. The same few come again and again, so what they tell is kept. */
export function agentOf(header: string | undefined): Agent {
  const text = header?.slice(0, longest) ?? ''
  const known = kept.get(text)
  if (known) return known
  const isBot = text === '' || isbot(text)
  const browser = isBot ? 'Bot' : (browsers.find(([, sign]) => sign.test(text))?.[0] ?? 'Other')
  if (kept.size === mostKept) kept.clear()
  const agent = { browser, isBot }
  kept.set(text, agent)
  return agent
}
