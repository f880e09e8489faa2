import { rmSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { askKeeper } from './keeper/client.js'
import type { SmallDiskOptions } from './servers/server.js'

export interface SmallDisk {
  /** The folder where it is mounted. */
  readonly path: string
  /** Fills it: what needs another block gets ENOSPC. */
  fill(): void
  /** Removes what `fill` wrote. */
  makeSpace(): void
  /** Unmounts it. It is also gone with the test process. */
  release(): Promise<void>
}

/** A file system of its own that holds next to nothing, for tests of a full disk. */
export async function mountDisk(options: SmallDiskOptions = {}): Promise<SmallDisk> {
  const { server, info } = await askKeeper<{ server: string; info: { path: string } }>({
    do: 'start',
    kind: 'disk',
    options,
    shared: false,
  })
  const ballast = join(info.path, '.ballast')
  return {
    path: info.path,
    fill() {
      const { bavail, bsize } = statfsSync(info.path)
      writeFileSync(ballast, Buffer.alloc(bavail * bsize), { flag: 'a' })
    },
    makeSpace: () => rmSync(ballast, { force: true }),
    release: () => askKeeper({ do: 'stop', server }),
  }
}
