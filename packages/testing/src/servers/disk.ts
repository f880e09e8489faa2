import { execFileSync, spawn } from 'node:child_process'
import { statSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { waitFor } from '../wait-for.js'
import type { SmallDiskOptions, Started } from './server.js'

/**
 * A file system in memory that holds no more than `sizeBytes`. Root mounts it; anybody else gets it in a mount namespace
 * of its own, reached through the process that keeps it: do not resolve that path with realpath().
 */
export async function mountSmallDisk(
  folder: string,
  { sizeBytes = 262_144 }: SmallDiskOptions,
  isRoot: boolean = process.getuid?.() === 0,
): Promise<Started<{ path: string }>> {
  const path = join(folder, 'disk')
  await mkdir(path)
  const mount = ['-t', 'tmpfs', '-o', `size=${sizeBytes},mode=0777`, 'tmpfs', path]
  if (!isRoot) return { info: { path: await mountInNamespace(mount, folder, path) }, stop: async () => {} }
  execFileSync('mount', mount)
  return { info: { path }, stop: async () => void execFileSync('umount', ['-l', path]) }
}

async function mountInNamespace(mount: string[], folder: string, path: string): Promise<string> {
  const script = 'mount "$@" && exec sleep infinity'
  // It works in the folder, so it is killed with all else there, and the mount goes with it.
  const keeper = spawn('unshare', ['-Urm', 'sh', '-c', script, 'sh', ...mount], { cwd: folder, stdio: 'ignore' })
  keeper.once('error', () => {})
  const inside = `/proc/${keeper.pid}/root${path}`
  const outside = statSync(path).dev
  await waitFor(() => statSync(inside).dev !== outside, { what: 'a small disk in a namespace (unshare -Urm)' })
  return inside
}
