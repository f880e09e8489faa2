/** What is still to be written when the process ends; one listener for all files of a process. */
const open = new Set<() => void>()

function onExit(): void {
  for (const write of open) write()
}

export function beforeExit(write: () => void): void {
  if (open.size === 0) process.on('exit', onExit)
  open.add(write)
}

export function noLongerBeforeExit(write: () => void): void {
  open.delete(write)
  if (open.size === 0) process.off('exit', onExit)
}
