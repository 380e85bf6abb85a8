/**
 * Whether what a complete run brought may replace what is served.
 *
 * A source that loses most of its devices has more often lost its database, a permission or a filter than the devices.
 * Such a run is held: it changes nothing until a person applies its plan, or a later run is as large as before.
 */
export interface GuardPolicy {
  /** A run with fewer devices than this part of the last good one is held; 0 to 1. */
  readonly threshold: number
  /** Whether the first run ever waits for a person. */
  readonly confirmFirst: boolean
}

export type HeldReason = "no_devices" | "too_few_devices" | "first_run"

export type Verdict =
  | { readonly _tag: "Accepted" }
  | { readonly _tag: "Held"; readonly reason: HeldReason; readonly detail: string }

const accepted: Verdict = { _tag: "Accepted" }

/** `lastGood` is undefined when the source never had a good run. */
export const judge = (policy: GuardPolicy, devices: number, lastGood: number | undefined): Verdict => {
  if (devices === 0) {
    return lastGood === 0
      ? accepted
      : { _tag: "Held", reason: "no_devices", detail: `no devices came, the last good run had ${lastGood ?? "none"}` }
  }
  if (lastGood === undefined) {
    return policy.confirmFirst
      ? { _tag: "Held", reason: "first_run", detail: `${devices} devices in the first run` }
      : accepted
  }
  if (devices >= lastGood * policy.threshold) return accepted
  const percent = Math.round(policy.threshold * 100)
  return {
    _tag: "Held",
    reason: "too_few_devices",
    detail: `${devices} devices came, below ${percent} % of the ${lastGood} of the last good run`
  }
}
