export type Format = 'text' | 'openMetrics'

/** What is asked for by an Accept header (RFC 9110, 12.5.1): the text format unless OpenMetrics 1.0.0 is preferred. */
export function negotiate(accept = ''): Format {
  let best = { format: 'text' as Format, q: 0 }
  for (const range of accept.toLowerCase().split(',')) {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim())
    const parameter = (name: string) => parameters.find((part) => part.startsWith(`${name}=`))?.slice(name.length + 1)
    const q = Number(parameter('q') ?? 1)
    const format = formatOf(type, parameter('version'))
    if (format && q > best.q) best = { format, q }
  }
  return best.format
}

function formatOf(type: string, version: string | undefined): Format | undefined {
  if (type === 'application/openmetrics-text') {
    return version === undefined || version === '1.0.0' ? 'openMetrics' : undefined
  }
  return type === 'text/plain' || type === 'text/*' || type === '*/*' ? 'text' : undefined
}
