import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Faults } from './faults.js'
import type { Format } from './negotiate.js'
import { Output } from './output.js'
import { contentTypes, type Family, familyName, head } from './text.js'

export interface Exposition {
  contentType: string
  body: Buffer
}

/** How long a scrape holds the event loop at a time. */
const sliceMs = 4

/** How much is written before the clock is looked at: a text that is put together is cheap, and to write it is not. */
const chunkLength = 32_768

/** Writes what `read` gives. Those who ask while it writes get what it is writing. */
export class Scraper {
  #lastBytes = 0
  readonly #read: () => Promise<Family[]>
  readonly #faults: Faults
  readonly #underWay = new Map<Format, Promise<Exposition>>()

  constructor(read: () => Promise<Family[]>, faults: Faults) {
    this.#read = read
    this.#faults = faults
  }

  scrape(format: Format): Promise<Exposition> {
    const underWay = this.#underWay.get(format)
    if (underWay) return underWay
    const started = this.#render(format).finally(() => this.#underWay.delete(format))
    this.#underWay.set(format, started)
    return started
  }

  async #render(format: Format): Promise<Exposition> {
    const isOpenMetrics = format === 'openMetrics'
    const output = new Output(this.#lastBytes + 4 * chunkLength)
    let text = ''
    let startMs = performance.now()
    for (const family of this.#distinct(await this.#read())) {
      text += head(family, isOpenMetrics)
      for (const piece of family.pieces(isOpenMetrics)) {
        text += piece
        if (text.length < chunkLength) continue
        output.write(text)
        text = ''
        if (performance.now() - startMs < sliceMs) continue
        await nextTurn()
        startMs = performance.now()
      }
    }
    output.write(isOpenMetrics ? `${text}# EOF\n` : text)
    const body = output.written
    this.#lastBytes = body.length
    return { contentType: contentTypes[format], body }
  }

  /** A scrape that has a name twice is refused as a whole: the first has it. */
  *#distinct(families: Family[]): Generator<Family> {
    const names = new Set<string>()
    for (const family of families) {
      const name = familyName(family)
      if (names.has(name)) {
        this.#faults.report('duplicate', `${family.name} is given twice, and the second is left out`, undefined)
        continue
      }
      names.add(name)
      yield family
    }
  }
}
