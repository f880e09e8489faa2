/** What a channel may say with an error: own ones too. */
export interface FailureHints {
  /** It will never be taken: no further attempt. Default false. */
  isFinal?: boolean
  /** With `isFinal`: a part of the message may be why it is refused. What it holds is tried in halves. */
  isPart?: boolean
  /** The target is gone for good: nothing more is sent to it. */
  isGone?: boolean
  /** The target asks to wait for so long. */
  retryAfterMs?: number
}

export interface Failure {
  reason: string
  isFinal: boolean
  isPart: boolean
  isGone: boolean
  retryAfterMs: number | undefined
}

const mostReason = 300

/** What an attempt has failed with, without what must not be shown. */
export function failureOf(error: unknown, secrets: readonly string[]): Failure {
  try {
    return readFailure(error, secrets)
  } catch {
    return {
      reason: 'an error that can’t be read',
      isFinal: false,
      isPart: false,
      isGone: false,
      retryAfterMs: undefined,
    }
  }
}

function readFailure(error: unknown, secrets: readonly string[]): Failure {
  const { isFinal = false, isPart = false, isGone = false, retryAfterMs } = (error ?? {}) as FailureHints
  return {
    reason: redact(error instanceof Error ? error.message : String(error), secrets).slice(0, mostReason),
    isFinal: isFinal === true || isGone === true,
    isPart: isPart === true,
    isGone: isGone === true,
    retryAfterMs: typeof retryAfterMs === 'number' && retryAfterMs >= 0 ? retryAfterMs : undefined,
  }
}

/** Takes secrets out of a text, also as they stand in URLs and in JSON. */
export function redact(text: string, secrets: readonly string[]): string {
  let rest = text
  for (const secret of secrets) {
    if (secret.length < 4) continue // would take out half of the text, and is no secret
    for (const form of [secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1)]) {
      rest = rest.replaceAll(form, '…')
    }
  }
  return rest
}
