import { spawn } from 'node:child_process'
import type { Manager } from './options.js'

type Failed = (error: unknown) => void

/** Tells who supervises the process that it serves. */
export function tellReady(managers: Manager[], failed: Failed): void {
  if (managers.includes('pm2') || managers.includes('cluster')) process.send?.('ready')
  if (managers.includes('systemd')) notifySystemd('READY=1', failed)
}

export function tellStopping(managers: Manager[], failed: Failed): void {
  if (managers.includes('systemd')) notifySystemd('STOPPING=1', failed)
}

/** Node has no Unix datagram sockets: systemd's own program does it (sd_notify(3); the unit needs NotifyAccess=all). */
function notifySystemd(state: string, failed: Failed): void {
  const args = [`--pid=${process.pid}`, '--no-block', state] // it would wait until systemd has read it
  const child = spawn('systemd-notify', args, { stdio: 'ignore' })
  child.once('error', failed)
  child.once('exit', (code) => {
    if (code !== 0) failed(new Error(`systemd-notify ${state} ended with ${code}`))
  })
  child.unref()
}
