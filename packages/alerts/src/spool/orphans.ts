import { readdir, readFile, rename, stat, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { isOfService, isOwned } from './owner.js'
import { decode } from './record.js'

/** What a process that is gone has left. */
export interface Orphan {
  /** By id, as last written. */
  entries: Map<string, unknown>
  lostBytes: number
  /** Once all of it is in the journal of who found it. */
  remove(): Promise<void>
}

/**
 * Takes over the files that nobody owns any more. One is renamed first, which succeeds for one process alone; a file that can't be
 * read stays where it is and harms no other.
 */
export async function takeOrphans(
  dir: string,
  owner: string,
  service: string,
  onFailure: (file: string, error: unknown) => void,
): Promise<Orphan[]> {
  const orphans: Orphan[] = []
  for (const file of (await readdir(dir)).sort()) {
    if (!/\.journal(\.tmp)?$/.test(file) || file.startsWith(owner) || !isOfService(file, service)) continue
    try {
      const found = await stat(join(dir, file))
      if (!found.isFile() || isOwned(file, found.mtimeMs, Date.now())) continue
      if (file.endsWith('.tmp'))
        await unlink(join(dir, file)) // never completed
      else orphans.push(await takeOver(dir, file, owner))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') onFailure(file, error) // another was faster
    }
  }
  return orphans
}

async function takeOver(dir: string, file: string, owner: string): Promise<Orphan> {
  const path = join(dir, `${owner}.from-${file.replace(/^.*-/, '')}`)
  await rename(join(dir, file), path)
  const { entries, lostBytes } = decode(await readFile(path))
  const live = new Map<string, unknown>()
  for (const [id, value] of entries) {
    if (value === undefined) live.delete(id)
    else live.set(id, value)
  }
  return { entries: live, lostBytes, remove: () => unlink(path) }
}
