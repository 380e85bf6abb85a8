/**
 * What a supervisor knows about itself and its children, its inputs and its commands.
 *
 * A supervisor does one thing at a time, as OTP's does: its plan is a list of stops and starts of which at most one is
 * under way. While there is one, only its result or `Shutdown` may be told; everything else waits its turn.
 */
import type { AutoShutdown } from "./AutoShutdown.ts"
import type { ExitClass } from "./ChildExit.ts"
import { ChildList } from "./ChildList.ts"
import type { ChildDeclaration, ChildState } from "./ChildState.ts"
import { emptyWindow, type RestartIntensity, type RestartWindow } from "./RestartIntensity.ts"
import type { Strategy } from "./Strategy.ts"

export interface SupervisorFlags {
  readonly strategy: Strategy
  readonly intensity: RestartIntensity
  readonly autoShutdown: AutoShutdown
}

export type SupervisorEnd =
  | { readonly _tag: "stopped" }
  | { readonly _tag: "auto_shutdown"; readonly child: string }
  | { readonly _tag: "intensity_exceeded"; readonly child: string }
  | { readonly _tag: "start_failed"; readonly child: string }

export interface Step {
  readonly _tag: "Start" | "Stop"
  readonly id: string
}

/** Why the plan runs; decides what its end and a failed start mean. */
export type Task =
  | { readonly _tag: "Boot" }
  | { readonly _tag: "Restart"; readonly id: string }
  /** Stops the group at once; the starts follow when the backoff is over. */
  | { readonly _tag: "Delay"; readonly id: string }
  | { readonly _tag: "AddChild" }
  | { readonly _tag: "RestartChild" }
  | { readonly _tag: "TerminateChild" }
  | { readonly _tag: "Shutdown"; readonly end: SupervisorEnd }

export interface Plan {
  readonly task: Task
  readonly steps: ReadonlyArray<Step>
  readonly next: number
}

export interface SupervisorState {
  readonly flags: SupervisorFlags
  readonly children: ChildList
  /** Starts so far, of all children. */
  readonly starts: number
  readonly window: RestartWindow
  readonly plan: Plan | undefined
  readonly end: SupervisorEnd | undefined
}

/** What a supervisor is told. Times are monotonic milliseconds. */
export type SupervisorInput =
  | { readonly _tag: "Boot" }
  | { readonly _tag: "Started"; readonly id: string }
  | { readonly _tag: "Ignored"; readonly id: string }
  | { readonly _tag: "StartFailed"; readonly id: string; readonly atMillis: number }
  | { readonly _tag: "Stopped"; readonly id: string }
  | {
    readonly _tag: "Exited"
    readonly id: string
    readonly generation: number
    readonly exit: ExitClass
    readonly atMillis: number
  }
  | { readonly _tag: "RetryDue"; readonly id: string; readonly generation: number }
  | { readonly _tag: "AddChild"; readonly child: ChildDeclaration }
  | { readonly _tag: "TerminateChild"; readonly id: string }
  | { readonly _tag: "RestartChild"; readonly id: string }
  | { readonly _tag: "DeleteChild"; readonly id: string }
  | {
    readonly _tag: "ChangeSpecs"
    readonly flags: SupervisorFlags
    readonly children: ReadonlyArray<ChildDeclaration>
  }
  | { readonly _tag: "Shutdown" }

/** Why a request was turned down. */
export type Refusal = "already_started" | "already_present" | "not_found" | "running" | "restarting" | "in_use"

export type Reply =
  | { readonly _tag: "Done" }
  | { readonly _tag: "Ignored" }
  | { readonly _tag: "StartFailed" }
  | { readonly _tag: "Refused"; readonly refusal: Refusal }

/** What happened, for events and metrics. */
export type Note =
  | { readonly _tag: "SupervisorStarted" }
  | { readonly _tag: "ChildAdded"; readonly child: ChildDeclaration }
  | { readonly _tag: "ChildStarted"; readonly id: string }
  | { readonly _tag: "ChildIgnored"; readonly id: string }
  | { readonly _tag: "ChildStartFailed"; readonly id: string }
  | { readonly _tag: "ChildExited"; readonly id: string; readonly exit: ExitClass; readonly isReported: boolean }
  | { readonly _tag: "ChildRestarting"; readonly id: string; readonly attempts: number }
  | { readonly _tag: "ChildRestartCancelled"; readonly id: string }
  | { readonly _tag: "ChildStopped"; readonly id: string }
  | { readonly _tag: "ChildRemoved"; readonly id: string }

/** What a supervisor wants done. `Start` and `Stop` come last and at most one at a time. */
export type SupervisorCommand =
  | { readonly _tag: "Start"; readonly id: string; readonly generation: number }
  | { readonly _tag: "Stop"; readonly id: string }
  /** Tell `RetryDue` after the child's backoff, or after whatever already waits when it has none. */
  | { readonly _tag: "Retry"; readonly id: string; readonly generation: number }
  /** Forget the `Retry` of a child that is not to be started any more. */
  | { readonly _tag: "Cancel"; readonly id: string }
  | { readonly _tag: "Reply"; readonly reply: Reply }
  | { readonly _tag: "Note"; readonly note: Note }
  | { readonly _tag: "End"; readonly end: SupervisorEnd }

export const make = (flags: SupervisorFlags, children: ReadonlyArray<ChildDeclaration>): SupervisorState => ({
  flags,
  children: ChildList.of(children.map((child): ChildState => ({ ...child, status: "stopped", generation: 0 }))),
  starts: 0,
  window: emptyWindow,
  plan: undefined,
  end: undefined
})

export interface ChildCounts {
  readonly specs: number
  readonly active: number
  readonly supervisors: number
  readonly workers: number
}

/** Children by kind; `active` are those that run, restarting ones excluded. */
export const count = (state: SupervisorState): ChildCounts => {
  const children = state.children.toArray()
  const supervisors = children.filter((child) => child.kind !== "worker").length
  return {
    specs: children.length,
    active: children.filter((child) => child.status === "running").length,
    supervisors,
    workers: children.length - supervisors
  }
}
