/**
 * What becomes of a dynamic supervisor's child, by OTP's rules for `one_for_one` children that come and go.
 *
 * The children themselves are not part of the state: each exit is decided in constant time, with 100,000 siblings too.
 */
import * as ChildExit from "./ChildExit.ts"
import * as RestartIntensity from "./RestartIntensity.ts"

export interface DynamicState {
  readonly intensity: RestartIntensity.RestartIntensity
  readonly window: RestartIntensity.RestartWindow
}

/** `forget` drops the child with its spec: a dynamic child that is not restarted is gone. */
export type Fate = "forget" | "restart" | "give_up"

/** After the end of a child that had started. */
export const afterExit = (
  state: DynamicState,
  restart: ChildExit.Restart,
  exit: ChildExit.ExitClass,
  atMillis: number
): readonly [DynamicState, Fate] =>
  ChildExit.isRestarted(restart, exit) ? afterFailedRestart(state, atMillis) : [state, "forget"]

/** After an attempt to start it again that failed; counts like an exit. */
export const afterFailedRestart = (state: DynamicState, atMillis: number): readonly [DynamicState, Fate] => {
  const window = RestartIntensity.record(state.window, state.intensity, atMillis)
  const isExceeded = RestartIntensity.isExceeded(window, state.intensity)
  return [{ ...state, window }, isExceeded ? "give_up" : "restart"]
}

/** Why a new child is turned away; children that wait for a restart keep their place. */
export const refusal = (
  present: "absent" | "live" | "restarting",
  size: number,
  maxChildren: number
): "already_started" | "already_present" | "max_children" | undefined => {
  if (present === "live") return "already_started"
  if (present === "restarting") return "already_present"
  return size >= maxChildren ? "max_children" : undefined
}
