import type { ResolvedChannel } from '../channels/channel.js'
import type { Clock } from '../clock.js'
import type { Notification } from '../notification.js'

/**
 * One attempt, which ends by the channel's deadline whatever the channel does.
 * @throws what the channel throws, or a TimeoutError
 */
export async function sendOnce(
  channel: ResolvedChannel,
  notification: Notification,
  clock: Clock,
  stopped: AbortSignal,
): Promise<void> {
  const controller = new AbortController()
  const { signal } = controller
  const aborted = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
  const cancel = clock.after(channel.deadlineMs, () => {
    controller.abort(new DOMException(`no answer within ${channel.deadlineMs} ms`, 'TimeoutError'))
  })
  const stop = () => controller.abort(new DOMException('the app closes', 'AbortError'))
  if (stopped.aborted) stop()
  else stopped.addEventListener('abort', stop, { once: true })
  try {
    // Called on its own turn, so that one that throws at once is as one that rejects.
    const sent = new Promise((resolve) => resolve(channel.send(notification, signal)))
    await Promise.race([sent, aborted])
  } finally {
    cancel()
    stopped.removeEventListener('abort', stop)
    aborted.catch(() => {})
  }
}
