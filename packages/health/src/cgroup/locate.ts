import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { readText } from './files.js'

/** Where the cgroup of this process keeps the files of a controller. */
export interface Place {
  version: 1 | 2
  /** Its name in the hierarchy. */
  path: string
  /** Its own folder, then those of the cgroups around it, as far as they can be seen. */
  folders: [string, ...string[]]
}

interface Mount {
  root: string
  point: string
  type: string
  options: string[]
}

/**
 * Finds a controller by /proc/self/cgroup and /proc/self/mountinfo (cgroups(7), proc(5)): in a hierarchy of version 1 that
 * has it, else in the one of version 2.
 * @param root where /proc and /sys are
 */
export function locate(controller: string, root: string): Place | undefined {
  const mounts = readMounts(root)
  const lines = readText(join(root, 'proc/self/cgroup'))?.split('\n') ?? []
  const groups = lines.map((line) => {
    const [, controllers = '', path = '/'] = /^\d+:([^:]*):(.*)$/.exec(line) ?? []
    return { controllers: controllers.split(','), path }
  })
  const v1 = groups.find(({ controllers }) => controllers.includes(controller))
  const v1Mount = v1 && mounts.find(({ type, options }) => type === 'cgroup' && options.includes(controller))
  if (v1 && v1Mount) return { version: 1, path: v1.path, folders: foldersOf(v1.path, v1Mount, root) }
  const v2 = groups.find(({ controllers }) => controllers[0] === '')
  const v2Mount = v2 && mounts.find(({ type }) => type === 'cgroup2')
  return v2 && v2Mount && { version: 2, path: v2.path, folders: foldersOf(v2.path, v2Mount, root) }
}

/** In a container the mount may show a part of the hierarchy, which begins at its `root`. */
function foldersOf(path: string, mount: Mount, root: string): [string, ...string[]] {
  const top = join(root, mount.point)
  const isShown = mount.root === '/' || path === mount.root || path.startsWith(`${mount.root}/`)
  const below = isShown ? path.slice(mount.root === '/' ? 0 : mount.root.length) : ''
  const names = below.split('/').filter(Boolean)
  // A namespace shows what is outside of it as `/..`.
  if (names.includes('..') || !existsSync(join(top, ...names))) return [top]
  return [join(top, ...names), ...names.map((_, i) => join(top, ...names.slice(0, names.length - 1 - i)))]
}

function readMounts(root: string): Mount[] {
  const lines = readText(join(root, 'proc/self/mountinfo'))?.split('\n') ?? []
  const decode = (text = '') =>
    text.replace(/\\([0-7]{3})/g, (_, code) => String.fromCharCode(Number.parseInt(code, 8)))
  return lines.map((line) => {
    const [before = '', after = ''] = line.split(' - ')
    const [, , , top, point] = before.split(' ')
    const [type = '', , options = ''] = after.split(' ')
    return { root: decode(top), point: decode(point), type, options: options.split(',') }
  })
}
