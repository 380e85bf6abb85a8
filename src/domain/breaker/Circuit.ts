/**
 * One circuit, as a value: what lets a call pass, and what its result changes. Failures are counted by class, each with
 * its own threshold, because a dependency that refuses connections is down after two, while one that is now and then
 * slow is not down after ten.
 *
 * Besides, the share of failed or slow calls within a window may open it, for a dependency that never fails often in a
 * row. A half-open round is bounded: probes that do not come back make room for others.
 *
 * Every change of state, and every half-open round, begins a new generation; a result of an older one changes nothing.
 */
import * as CallWindow from "./CallWindow.ts"

export type CircuitState = "closed" | "open" | "half_open" | "forced_open" | "forced_closed"

/** Consecutive failures of one class, with no success in between, that open the circuit. Infinite: they never do. */
export type Thresholds = Readonly<Record<string, number>>

export interface CircuitPolicy {
  readonly thresholds: Thresholds
  /** Probes admitted while half-open; all of them have to succeed. At least 1. */
  readonly probes: number
  readonly window?: CallWindow.WindowPolicy | undefined
  /** How long the probes of a half-open round may take; infinite unless told. */
  readonly halfOpenMaxMillis?: number
}

export interface Circuit {
  readonly state: CircuitState
  readonly generation: number
  /** Failures since the last success, by class. */
  readonly failures: Readonly<Record<string, number>>
  readonly openUntilMillis: number
  readonly openForMillis: number
  /** Openings since the circuit last stayed closed for as long as it had been open. */
  readonly openings: number
  readonly closedAtMillis: number
  readonly probing: number
  readonly probesSucceeded: number
  readonly halfOpenAtMillis: number
  readonly window: CallWindow.CallWindow
}

export const initial: Circuit = {
  state: "closed",
  generation: 0,
  failures: {},
  openUntilMillis: 0,
  openForMillis: 0,
  openings: 0,
  closedAtMillis: Number.NEGATIVE_INFINITY,
  probing: 0,
  probesSucceeded: 0,
  halfOpenAtMillis: Number.NEGATIVE_INFINITY,
  window: CallWindow.empty
}

/** What a call came to: `ignored` says nothing about the dependency. */
export type CallResult =
  | { readonly _tag: "success" }
  | { readonly _tag: "ignored" }
  | { readonly _tag: "failure"; readonly failureClass: string }

export type Admitted =
  | { readonly _tag: "admitted"; readonly circuit: Circuit; readonly isProbe: boolean }
  | { readonly _tag: "open"; readonly retryAfterMillis: number }
  | { readonly _tag: "half_open" }

const enter = (circuit: Circuit, state: CircuitState, change: Partial<Circuit> = {}): Circuit => ({
  ...circuit,
  state,
  generation: circuit.generation + 1,
  failures: {},
  probing: 0,
  probesSucceeded: 0,
  window: CallWindow.empty,
  ...change
})

const halfOpen = (circuit: Circuit, nowMillis: number): Admitted => ({
  _tag: "admitted",
  circuit: enter(circuit, "half_open", { probing: 1, halfOpenAtMillis: nowMillis }),
  isProbe: true
})

/** Whether a call may pass now. A clock that jumped back keeps an open circuit open no longer than its open time. */
export const admit = (circuit: Circuit, policy: CircuitPolicy, nowMillis: number): Admitted => {
  switch (circuit.state) {
    case "forced_open":
      return { _tag: "open", retryAfterMillis: Number.POSITIVE_INFINITY }
    case "forced_closed":
      return { _tag: "admitted", circuit, isProbe: false }
    case "closed": {
      const isQuiet = circuit.openings > 0 && nowMillis >= circuit.closedAtMillis + circuit.openForMillis
      return { _tag: "admitted", circuit: isQuiet ? { ...circuit, openings: 0 } : circuit, isProbe: false }
    }
    case "open": {
      const remaining = Math.min(circuit.openUntilMillis - nowMillis, circuit.openForMillis)
      if (remaining > 0) return { _tag: "open", retryAfterMillis: remaining }
      return halfOpen(circuit, nowMillis)
    }
    case "half_open": {
      if (circuit.probing + circuit.probesSucceeded >= policy.probes) {
        const isOver = nowMillis - circuit.halfOpenAtMillis >= (policy.halfOpenMaxMillis ?? Number.POSITIVE_INFINITY)
        return isOver ? halfOpen(circuit, nowMillis) : { _tag: "half_open" }
      }
      return { _tag: "admitted", circuit: { ...circuit, probing: circuit.probing + 1 }, isProbe: true }
    }
  }
}

/** One call that was admitted in `generation`. `openForMillis` is how long an opening would last. */
export interface RecordedCall {
  readonly generation: number
  readonly result: CallResult
  readonly openForMillis: number
  /** Default 0. */
  readonly durationMillis?: number
}

export const record = (circuit: Circuit, policy: CircuitPolicy, call: RecordedCall, nowMillis: number): Circuit => {
  if (call.generation !== circuit.generation) return circuit
  if (circuit.state === "half_open") return recordProbe(circuit, policy, call, nowMillis)
  if (circuit.state !== "closed" || call.result._tag === "ignored") return circuit
  const counted = { ...circuit, window: windowWith(circuit, policy, call, nowMillis) }
  const isTripped = policy.window !== undefined && CallWindow.verdict(counted.window, policy.window) !== undefined
  if (isTripped || isOverThreshold(circuit, policy, call.result)) return open(circuit, call.openForMillis, nowMillis)
  return { ...counted, failures: failuresWith(circuit, call.result) }
}

/** Why a call opened the circuit. */
export const reasonOf = (circuit: Circuit, policy: CircuitPolicy, call: RecordedCall, nowMillis: number): string => {
  if (call.result._tag === "ignored") return "ignored"
  const isProbe = circuit.state === "half_open"
  if (call.result._tag === "failure" && (isProbe || isOverThreshold(circuit, policy, call.result))) {
    return call.result.failureClass
  }
  if (isProbe) return isSlowProbe(policy, call) ? "slow calls" : "probes succeeded"
  const window = policy.window
  return (window === undefined
    ? undefined
    : CallWindow.verdict(windowWith(circuit, policy, call, nowMillis), window)) ?? "success"
}

const failuresWith = (circuit: Circuit, result: CallResult): Circuit["failures"] =>
  result._tag === "failure"
    ? { ...circuit.failures, [result.failureClass]: countOf(circuit.failures, result.failureClass, 0) + 1 }
    : {}

/** A class may be named as what every object has, such as `constructor`. */
const countOf = (counts: Readonly<Record<string, number>>, failureClass: string, otherwise: number): number =>
  Object.hasOwn(counts, failureClass) ? counts[failureClass] ?? otherwise : otherwise

const isOverThreshold = (circuit: Circuit, { thresholds }: CircuitPolicy, result: CallResult): boolean =>
  result._tag === "failure" &&
  countOf(circuit.failures, result.failureClass, 0) + 1 >=
    countOf(thresholds, result.failureClass, Number.POSITIVE_INFINITY)

const windowWith = (
  circuit: Circuit,
  { window }: CircuitPolicy,
  call: RecordedCall,
  nowMillis: number
): CallWindow.CallWindow => {
  if (window === undefined) return circuit.window
  const facts = { isFailed: call.result._tag === "failure", durationMillis: call.durationMillis ?? 0 }
  return CallWindow.add(circuit.window, window, facts, nowMillis)
}

/** A dependency that answers as slowly as before has not recovered. */
const isSlowProbe = ({ window }: CircuitPolicy, call: RecordedCall): boolean =>
  window !== undefined && CallWindow.isSlow(window, call.durationMillis ?? 0)

const recordProbe = (
  circuit: Circuit,
  policy: CircuitPolicy,
  call: RecordedCall,
  nowMillis: number
): Circuit => {
  const probing = circuit.probing - 1
  switch (call.result._tag) {
    // An interrupted probe gives its place back, or the circuit would stay half-open for ever.
    case "ignored":
      return { ...circuit, probing }
    case "failure":
      return open(circuit, call.openForMillis, nowMillis)
    case "success": {
      if (isSlowProbe(policy, call)) return open(circuit, call.openForMillis, nowMillis)
      const probesSucceeded = circuit.probesSucceeded + 1
      return probesSucceeded < policy.probes
        ? { ...circuit, probing, probesSucceeded }
        : enter(circuit, "closed", { closedAtMillis: nowMillis })
    }
  }
}

const open = (circuit: Circuit, openForMillis: number, nowMillis: number): Circuit =>
  enter(circuit, "open", {
    openForMillis,
    openUntilMillis: nowMillis + openForMillis,
    openings: circuit.openings + 1
  })

/** What an operator asks for. `auto` lets go of a forced circuit: it is closed, and judged afresh. */
export type Force = "open" | "closed" | "auto"

export const force = (circuit: Circuit, to: Force): Circuit => {
  if (to === "open") return circuit.state === "forced_open" ? circuit : enter(circuit, "forced_open")
  if (to === "closed") return circuit.state === "forced_closed" ? circuit : enter(circuit, "forced_closed")
  if (circuit.state !== "forced_open" && circuit.state !== "forced_closed") return circuit
  return enter(circuit, "closed", { openings: 0 })
}
