import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { waitFor } from './wait-for.js'

/**
 * Ids of the live processes that work in `folder` (an absolute real path) or below it. A server's children may change
 * their parent and their group, but not the folder they work in.
 */
export function processesIn(folder: string): number[] {
  // What comes back is often killed: never let a wrong folder stand for the whole machine.
  if (!/^\/[^/]+\/[^/]+/.test(folder)) throw new Error(`not a folder of servers: "${folder}"`)
  return processIds().filter((pid) => {
    const cwd = workingFolder(pid)
    return cwd === folder || cwd?.startsWith(`${folder}/`)
  })
}

function workingFolder(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/cwd`)
  } catch {
    return undefined // it has ended, or is another user's
  }
}

/** Whether the process runs: not ended, and not ended but unreaped either. */
export function isAlive(pid: number): boolean {
  const [state] = statOf(pid)
  return state !== undefined && !hasEnded(state)
}

/** Whether a process of the group runs. */
export function isGroupAlive(group: number): boolean {
  return processIds().some((pid) => {
    const [state, , pgrp] = statOf(pid)
    return state !== undefined && !hasEnded(state) && Number(pgrp) === group
  })
}

const hasEnded = (state: string): boolean => state === 'Z' || state === 'X'

const processIds = (): number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)

/** The state of a process, its parent, its group and more; nothing, if it is gone. */
function statOf(pid: number): string[] {
  try {
    // They follow the command's name, which stands in brackets and may hold anything.
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  } catch {
    return []
  }
}

/**
 * Sends a signal to every process in `folder`, also to those that were forked meanwhile.
 * @returns their ids
 */
export function signalAllIn(folder: string, signal: NodeJS.Signals): Set<number> {
  const seen = new Set<number>()
  for (let fresh = processesIn(folder); fresh.length > 0; fresh = processesIn(folder).filter((pid) => !seen.has(pid))) {
    for (const pid of fresh) {
      seen.add(pid)
      signalTo(pid, signal)
    }
  }
  return seen
}

/** Kills every process in `folder` and waits until the last is gone. */
export async function killAllIn(folder: string): Promise<void> {
  const killed = new Set<number>()
  await waitFor(() => {
    for (const pid of signalAllIn(folder, 'SIGKILL')) killed.add(pid)
    // A process that ends is out of its folder a moment before it is gone.
    return processesIn(folder).length === 0 && ![...killed].some(isAlive)
  })
}

/** Sends a signal; whether there was a process to take it. */
export function signalTo(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal)
  } catch {
    return false
  }
}
