import type { Comparison, Result } from '../compare.js'
import type { Estimate } from '../statistics.js'

/** A table in Markdown, aligned, so that it reads well on a terminal too. */
export function table({ name, figures }: Comparison, results: Result[]): string {
  const header = [name, `÷ ${results[0]!.contender}`, ...figures.map(({ title }) => title), 'what it is']
  const rows = results.map(({ contender, about, ratio, figures: own }) => [
    contender,
    withMargin(ratio),
    ...figures.map(({ name, digits }) => grouped(own[name]!.median, digits)),
    about,
  ])
  const widths = header.map((_, column) => Math.max(...[header, ...rows].map((row) => row[column]!.length)))
  const isText = (column: number) => column === 0 || column === header.length - 1
  const line = (cells: string[]) =>
    `| ${cells.map((cell, column) => (isText(column) ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!))).join(' | ')} |`
  const rule = widths.map((width, column) => (isText(column) ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`))
  return [line(header), line(rule), ...rows.map(line)].join('\n')
}

/** Such as `1.52 ± 0.03`. */
export function withMargin({ median, plusMinus }: Estimate): string {
  return plusMinus === undefined ? median.toFixed(2) : `${median.toFixed(2)} ± ${plusMinus.toFixed(2)}`
}

function grouped(value: number, digits: number): string {
  return value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits })
}
