import { LabelsError } from './errors.js'

export type LabelValues<Name extends string = string> = Readonly<Record<Name, string | number>>

/** In place of values that there is no room for. */
export const overflow = '__overflow__'

/** Labels as both exposition formats write them: `method="GET",route="/"`. What differs is written differently. */
export function labelText(names: readonly string[], values: LabelValues): string {
  let text = ''
  for (const name of names) text += `${text && ','}${name}="${escapeValue(values[name])}"`
  return text
}

export function escapeValue(value: unknown): string {
  const text = typeof value === 'string' ? value : `${value}`
  return /[\\"\n]/.test(text) ? text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n') : text
}

/** @throws ERR_METRICS_LABELS */
export function checkLabels(metric: string, names: readonly string[], values: LabelValues): void {
  let count = 0
  for (const name in values) {
    if (!names.includes(name)) refuse(metric, names, values)
    count++
  }
  if (count !== names.length) refuse(metric, names, values)
}

function refuse(metric: string, names: readonly string[], values: LabelValues): never {
  throw new LabelsError(metric, names.join(', '), Object.keys(values).join(', '))
}
