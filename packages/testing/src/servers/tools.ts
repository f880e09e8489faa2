import { execFileSync } from 'node:child_process'
import { accessSync, constants, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join, resolve } from 'node:path'

/** Programs that tests run, and the Debian package that brings each. */
const debianPackages = {
  'redis-server': { name: 'redis-server' },
  'redis-cli': { name: 'redis-tools' },
  initdb: { name: 'postgresql' },
  postgres: { name: 'postgresql' },
  curl: { name: 'curl' },
  wrk: { name: 'wrk' },
  promtool: { name: 'prometheus', unpackOnly: true }, // one static program: no need to install its daemon
} as const

export type ToolName = keyof typeof debianPackages

const unpacked = resolve(import.meta.dirname, '../../../node_modules/.cache/steadfast-tools')

const aptLock = join(tmpdir(), 'steadfast-apt.lock')

export interface ToolSearch {
  /** Folders to look in, in this order. Default: PATH, then where Debian keeps PostgreSQL's programs and ours. */
  folders?: string[]
  /** Install what is missing. Default: on Debian and Ubuntu, as root; what only has to be unpacked, as anybody. */
  install?: boolean
}

/**
 * The absolute path of a program: found on this machine, or else installed from Debian's packages.
 * @throws Error that tells how to get it.
 */
export function findTool(tool: ToolName, { folders, install = canInstall(tool) }: ToolSearch = {}): string {
  const search = () => firstExecutable(folders ?? defaultFolders(), tool)
  const found = search()
  if (found) return found
  if (install) {
    installPackage(tool)
    const installed = search()
    if (installed) return installed
  }
  throw new Error(
    `${tool} was not found on PATH or in PostgreSQL's folders. Get it with "apt-get install ${debianPackages[tool].name}"` +
      ' (run as root on Debian or Ubuntu, the tests do this themselves), or point TEST_REDIS_URL and TEST_DATABASE_URL at running servers.',
  )
}

function defaultFolders(): string[] {
  const versions = '/usr/lib/postgresql'
  const newestFirst = existsSync(versions) ? readdirSync(versions).sort((a, b) => Number(b) - Number(a)) : []
  return [
    ...(process.env.PATH ?? '').split(delimiter).filter(Boolean),
    ...newestFirst.map((version) => join(versions, version, 'bin')),
    join(unpacked, 'usr/bin'),
  ]
}

function firstExecutable(folders: string[], tool: string): string | undefined {
  return folders
    .map((folder) => join(folder, tool))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK)
        return true
      } catch {
        return false
      }
    })
}

const isRoot = process.getuid?.() === 0

function canInstall(tool: ToolName): boolean {
  const isDebian = existsSync('/etc/debian_version') && existsSync('/usr/bin/apt-get')
  return isDebian && (isRoot || 'unpackOnly' in debianPackages[tool])
}

function installPackage(tool: ToolName): void {
  const debian = debianPackages[tool]
  const how = 'unpackOnly' in debian ? 'unpacking' : 'installing'
  process.stderr.write(`testing: ${tool} is not on this machine, ${how} the Debian package ${debian.name}\n`)
  if (isRoot) apt(['update'])
  if (!('unpackOnly' in debian)) {
    apt(['install', '-y', '--no-install-recommends', debian.name])
    return
  }
  mkdirSync(unpacked, { recursive: true })
  const folder = mkdtempSync(join(unpacked, 'download-'))
  try {
    apt(['download', debian.name], folder)
    execFileSync('dpkg', ['-x', ...readdirSync(folder).map((file) => join(folder, file)), unpacked])
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function apt(args: string[], cwd = '/'): void {
  // Not all of apt waits for another apt, as of a test run beside this one: flock does.
  execFileSync('flock', [aptLock, 'apt-get', '-qq', '-o', 'DPkg::Lock::Timeout=120', ...args], {
    cwd,
    stdio: ['ignore', 'ignore', 'inherit'],
    // At run level 1 Debian's install scripts start no daemon.
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' },
  })
}
