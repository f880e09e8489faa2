import { execFileSync } from 'node:child_process'
import { readFileSync, statSync } from 'node:fs'

/**
 * Frees the System V shared memory of a PostgreSQL that was killed: the segment's key is the inode of the data folder.
 * It must be done before the folder is removed, and leaves alone what a process still uses.
 */
export function freeSharedMemory(dataFolder: string): void {
  const inode = statSync(dataFolder, { throwIfNoEntry: false })?.ino
  if (inode === undefined) return
  for (const line of readFileSync('/proc/sysvipc/shm', 'utf8').split('\n').slice(1)) {
    const [key, id = '', , , , , users] = line.trim().split(/\s+/)
    if (Number(key) === (inode | 0) && users === '0') execFileSync('ipcrm', ['-m', id])
  }
}
