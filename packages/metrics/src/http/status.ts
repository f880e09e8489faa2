/** nginx's code for a client that went away before it had its answer. */
export const clientClosed = 499

/** What a status is counted as. Aborted requests stay apart from the 4xx that the app answered. */
export function statusLabel(status: number, by: 'code' | 'class'): string {
  return by === 'code' || status === clientClosed ? `${status}` : `${Math.trunc(status / 100)}xx`
}
