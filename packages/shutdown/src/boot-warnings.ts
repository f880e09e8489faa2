import type { ResolvedOptions } from './options.js'

export interface BootWarning {
  code: string
  message: string
}

/** What about the process's surroundings will spoil a shutdown. */
export function bootWarnings({ delayMs, deadlineMs, terminationGraceMs }: ResolvedOptions, pid: number): BootWarning[] {
  const warnings: BootWarning[] = []
  if (pid === 1) {
    const message =
      'the process is PID 1: without an init (docker run --init, tini) nobody reaps what its children leave'
    warnings.push({ code: 'SHUTDOWN_PID_1', message })
  }
  if (terminationGraceMs !== undefined && delayMs + deadlineMs > terminationGraceMs) {
    const message = `delayMs and deadlineMs, ${delayMs} + ${deadlineMs}, are more than TERMINATION_GRACE_MS, ${terminationGraceMs}: the process will be killed before its deadline`
    warnings.push({ code: 'SHUTDOWN_GRACE', message })
  }
  return warnings
}
