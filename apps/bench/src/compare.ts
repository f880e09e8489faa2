import { type Estimate, estimate } from './statistics.js'

/** What one round gives, by the name of the figure. */
export type Figures = Record<string, number>

export interface Round {
  /** How long to measure. */
  seconds: number
  /** Where, if a core was chosen. */
  core: number | undefined
}

export type ServerName = 'redis' | 'postgresql'

/** What is measured beside others. */
export interface Contender {
  name: string
  /** What it is, for the table. */
  about: string
  /** One round. Throws when it does not do the work that it is measured for. */
  measure(round: Round): Promise<Figures>
  /** What it runs on besides packages. */
  servers?: ServerName[]
  /** After the last round. */
  release?: (() => Promise<void>) | undefined
}

/** Contenders that do the same work; the first is what the others are compared with. */
export interface Comparison {
  name: string
  title: string
  /** The table's columns. The first is the one whose ratio is told. Other figures are in the JSON alone. */
  figures: { name: string; title: string; digits: number }[]
  contenders: Contender[]
}

export interface Result {
  contender: string
  about: string
  /** The first figure to the same round's figure of the first contender. */
  ratio: Estimate
  figures: Record<string, Estimate>
  rounds: Figures[]
}

const mostTries = 3

interface Run extends Round {
  rounds: number
  onProgress(message: string): void
}

/** Measures all contenders in turn, round after round, every second round backwards: neither drift nor order favours one. */
export async function compare(comparison: Comparison, run: Run): Promise<Result[]> {
  const { contenders } = comparison
  try {
    return summarise(comparison, await measureAll(comparison, run))
  } finally {
    for (const { release } of contenders) await release?.()
  }
}

async function measureAll({ contenders, figures }: Comparison, run: Run): Promise<Figures[][]> {
  const main = figures[0]!
  const rounds: Figures[][] = contenders.map(() => [])
  const startMs = performance.now()
  let done = 0
  for (let round = 1; round <= run.rounds; round++) {
    const order = [...contenders.keys()]
    for (const index of round % 2 === 1 ? order : order.reverse()) {
      const { name } = contenders[index]!
      const measured = await measureOnce(contenders[index]!, run)
      rounds[index]!.push(measured)
      const leftMs = ((performance.now() - startMs) / ++done) * (run.rounds * contenders.length - done)
      const figure = `${measured[main.name]!.toFixed(main.digits)} ${main.title}`
      run.onProgress(`round ${round}/${run.rounds}  ${name}: ${figure}  (${Math.round(leftMs / 1_000)} s left)`)
    }
  }
  return rounds
}

/** One round; again where it fails, for a long run is not to be lost by a moment's stall. What is wrong fails every time. */
async function measureOnce({ name, measure }: Contender, run: Run): Promise<Figures> {
  for (let tries = 1; ; tries++) {
    try {
      return await measure(run)
    } catch (error) {
      const { message } = error as Error
      if (tries === mostTries) throw new Error(`${name}: ${message}`, { cause: error })
      run.onProgress(`${name} is measured again: ${message}`)
    }
  }
}

function summarise({ contenders, figures }: Comparison, rounds: Figures[][]): Result[] {
  const main = figures[0]!.name
  return contenders.map(({ name, about }, index) => {
    const own = rounds[index]!
    return {
      contender: name,
      about,
      ratio: estimate(own.map((measured, round) => measured[main]! / rounds[0]![round]![main]!)),
      figures: Object.fromEntries(figures.map(({ name }) => [name, estimate(own.map((measured) => measured[name]!))])),
      rounds: own,
    }
  })
}
