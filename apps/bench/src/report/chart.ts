import type { Comparison, Result } from '../compare.js'
import { withMargin } from './table.js'

const rowHeight = 26
const barHeight = 16
const labelWidth = 190
const barsWidth = 430
const valueWidth = 110
const margin = 12
const titleHeight = 44

const style = `text{font:13px system-ui,sans-serif;fill:#1f2328}.title{font-weight:600}.note{fill:#656d76;font-size:12px}
.bar{fill:#8fb3d9}.first{fill:#9aa4ae}.whisker{stroke:#1f2328}.unit{stroke:#9aa4ae;stroke-dasharray:3 3}
@media(prefers-color-scheme:dark){text{fill:#e6edf3}.note{fill:#8d96a0}.bar{fill:#4477aa}.first{fill:#6e7681}.whisker{stroke:#e6edf3}}`

/** The ratios as bars, their margins as whiskers, in a picture that stands on its own. */
export function chart({ title, figures }: Comparison, results: Result[]): string {
  const first = results[0]!.contender
  const longest = Math.max(...results.map(({ ratio }) => ratio.median + (ratio.plusMinus ?? 0)))
  const xOf = (ratio: number) => labelWidth + (ratio / longest) * barsWidth
  const height = titleHeight + results.length * rowHeight + margin
  const width = labelWidth + barsWidth + valueWidth
  const rows = results.map((result, index) => bar(result, titleHeight + index * rowHeight, xOf, index === 0))
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">
<title>${escaped(title)}</title>
<style>${style}</style>
<text class="title" x="${margin}" y="18">${escaped(title)}</text>
<text class="note" x="${margin}" y="36">${escaped(`${figures[0]!.title} ÷ ${first}; shorter is better`)}</text>
${rows.join('\n')}
<line class="unit" x1="${xOf(1).toFixed(1)}" x2="${xOf(1).toFixed(1)}" y1="${titleHeight}" y2="${height - margin}"/>
</svg>
`
}

function bar({ contender, ratio }: Result, top: number, xOf: (ratio: number) => number, isFirst: boolean): string {
  const { median, plusMinus = 0 } = ratio
  const middle = top + barHeight / 2
  const [low, high] = [xOf(Math.max(0, median - plusMinus)).toFixed(1), xOf(median + plusMinus).toFixed(1)]
  const parts = [
    `<text x="${labelWidth - 8}" y="${top + 13}" text-anchor="end">${escaped(contender)}</text>`,
    `<rect class="${isFirst ? 'first' : 'bar'}" x="${labelWidth}" y="${top}" width="${(xOf(median) - labelWidth).toFixed(1)}" height="${barHeight}"/>`,
    `<line class="whisker" x1="${low}" x2="${high}" y1="${middle}" y2="${middle}"/>`,
    `<text x="${Number(high) + 8}" y="${top + 13}">${withMargin(ratio)}</text>`,
  ]
  return parts.join('')
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (letter) => `&#${letter.charCodeAt(0)};`)
}
