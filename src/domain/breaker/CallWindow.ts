/**
 * The calls of the last while, as counts: how many there were, how many failed, how many were slow. Time is cut into ten
 * parts, of which the oldest is dropped as a new one begins, so the window slides in tenths and stays small whatever
 * passes through it.
 */

export interface WindowPolicy {
  readonly periodMillis: number
  /** Fewer calls than this say nothing. */
  readonly callsMin: number
  /** Share of failed calls, above 0 and at most 1, that opens the circuit. */
  readonly failureRate: number | undefined
  readonly slow: { readonly rate: number; readonly fromMillis: number } | undefined
}

interface Part {
  readonly index: number
  readonly calls: number
  readonly failed: number
  readonly slow: number
}

export interface CallWindow {
  readonly parts: ReadonlyArray<Part>
}

export const empty: CallWindow = { parts: [] }

const partsMax = 10

export interface CallFacts {
  readonly isFailed: boolean
  readonly durationMillis: number
}

export const isSlow = (policy: WindowPolicy, durationMillis: number): boolean =>
  policy.slow !== undefined && durationMillis >= policy.slow.fromMillis

export const add = (window: CallWindow, policy: WindowPolicy, call: CallFacts, nowMillis: number): CallWindow => {
  const index = Math.floor(nowMillis / (policy.periodMillis / partsMax))
  const one = { calls: 1, failed: call.isFailed ? 1 : 0, slow: isSlow(policy, call.durationMillis) ? 1 : 0 }
  const recent = window.parts.filter((part) => part.index > index - partsMax && part.index <= index)
  const last = recent.at(-1)
  if (last?.index !== index) return { parts: [...recent, { index, ...one }] }
  const grown = {
    index,
    calls: last.calls + one.calls,
    failed: last.failed + one.failed,
    slow: last.slow + one.slow
  }
  return { parts: [...recent.slice(0, -1), grown] }
}

export interface Totals {
  readonly calls: number
  readonly failed: number
  readonly slow: number
}

export const totals = (window: CallWindow): Totals => {
  let calls = 0
  let failed = 0
  let slow = 0
  for (const part of window.parts) {
    calls += part.calls
    failed += part.failed
    slow += part.slow
  }
  return { calls, failed, slow }
}

/** Why the calls of the window open the circuit; nothing when they do not. */
export const verdict = (window: CallWindow, policy: WindowPolicy): "failure rate" | "slow calls" | undefined => {
  const { calls, failed, slow } = totals(window)
  if (calls < policy.callsMin) return undefined
  if (policy.failureRate !== undefined && failed / calls >= policy.failureRate) return "failure rate"
  return policy.slow !== undefined && slow / calls >= policy.slow.rate ? "slow calls" : undefined
}
