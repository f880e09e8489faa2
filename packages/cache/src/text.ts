/** An entry as Redis has it; the head is described in scripts.ts. */
export interface StoredEntry {
  kind: 'value' | 'nothing'
  version: string
  /** By Redis' clock. */
  freshUntilMs: number
  /** The last invalidation before its load began. */
  stamp: number
  meta: Meta
  payload: string
}

export interface Meta {
  /** The cache's option `version` of who wrote it. */
  v?: string
  tags?: string[]
  l1TtlMs?: number
}

export type Stored = StoredEntry | { kind: 'loading'; token: string } | { kind: 'failed'; reason: string }

const headLength = 75
const noMeta: Meta = Object.freeze({})

export function format({ kind, version, freshUntilMs, stamp, meta, payload }: StoredEntry): string {
  const head = `${kind === 'value' ? 'V' : 'N'}${version}----------------0000000000000`
  const times = `${Math.max(0, Math.round(freshUntilMs)).toString().padStart(13, '0')}${stamp.toString().padStart(16, '0')}`
  const keys = meta === noMeta ? '' : JSON.stringify(meta)
  return `${head}${times}${keys === '{}' ? '' : keys}\n${payload}`
}

/** @throws Error when it is not what we have written */
export function parse(text: string): Stored {
  const kind = text.charCodeAt(0)
  if (kind === 0x4c) return { kind: 'loading', token: text.slice(1, 17) }
  if (kind === 0x45) return { kind: 'failed', reason: text.slice(17) }
  const metaEnd = text.indexOf('\n', headLength)
  const freshUntilMs = Number(text.slice(46, 59))
  const stamp = Number(text.slice(59, headLength))
  if ((kind !== 0x56 && kind !== 0x4e) || metaEnd < 0 || !(freshUntilMs >= 0) || !(stamp >= 0)) {
    throw new SyntaxError('what Redis has is no entry of this cache')
  }
  return {
    kind: kind === 0x56 ? 'value' : 'nothing',
    version: text.slice(1, 9) + text.slice(9, 17), // slices as short as these are copies: longer ones keep all of the text in memory
    freshUntilMs,
    stamp,
    meta: metaEnd === headLength ? noMeta : (JSON.parse(text.slice(headLength, metaEnd)) as Meta),
    payload: text.slice(metaEnd + 1),
  }
}
