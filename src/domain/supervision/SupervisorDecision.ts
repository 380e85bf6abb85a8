/**
 * What a supervisor does next: state and input in, new state and commands out, without time, fibers or effects.
 *
 * Restarts are counted when they become necessary: at the end of a child and at each failed attempt to start it again.
 * Starts by hand, at boot and of siblings in a group restart never count.
 */
import * as AutoShutdown from "./AutoShutdown.ts"
import * as ChildExit from "./ChildExit.ts"
import type { ChildState } from "./ChildState.ts"
import * as RestartIntensity from "./RestartIntensity.ts"
import { isLive, SupervisorDraft } from "./SupervisorDraft.ts"
import { advance, shutDown } from "./SupervisorPlan.ts"
import { answer } from "./SupervisorRequest.ts"
import type { Step, SupervisorCommand, SupervisorInput, SupervisorState } from "./SupervisorState.ts"

/** One decision. Ignores inputs that come late and are about an earlier life. */
export const decide = (
  state: SupervisorState,
  input: SupervisorInput
): readonly [SupervisorState, ReadonlyArray<SupervisorCommand>] => {
  const draft = new SupervisorDraft(state)
  if (draft.end === undefined) hear(draft, input)
  return [draft.toState(), draft.commands]
}

const hear = (draft: SupervisorDraft, input: SupervisorInput): void => {
  switch (input._tag) {
    case "Boot": {
      draft.begin({ _tag: "Boot" }, draft.children.toArray().map(({ id }) => ({ _tag: "Start", id })))
      return advance(draft)
    }
    case "Started":
    case "Ignored":
    case "StartFailed":
    case "Stopped":
      return hearResult(draft, input)
    case "Exited":
      return hearExit(draft, input)
    case "RetryDue": {
      const child = draft.find(input.id)
      if (child?.status === "restarting" && child.generation === input.generation) restartGroup(draft, child)
      return
    }
    case "Shutdown":
      return draft.plan?.task._tag === "Shutdown" ? undefined : shutDown(draft, { _tag: "stopped" })
    default:
      return answer(draft, input)
  }
}

type ResultInput = Extract<SupervisorInput, { readonly _tag: "Started" | "Ignored" | "StartFailed" | "Stopped" }>

const hearResult = (draft: SupervisorDraft, input: ResultInput): void => {
  const plan = draft.plan
  const child = draft.find(input.id)
  if (plan === undefined || child === undefined || plan.steps[plan.next]?.id !== input.id) return
  draft.plan = { ...plan, next: plan.next + 1 }
  switch (input._tag) {
    case "Started":
      draft.update(child, { status: "running" })
      draft.note({ _tag: "ChildStarted", id: child.id })
      return advance(draft)
    case "Ignored":
      draft.note({ _tag: "ChildIgnored", id: child.id })
      draft.settle(child)
      if (plan.task._tag === "AddChild" || plan.task._tag === "RestartChild") {
        draft.plan = undefined
        return draft.reply({ _tag: "Ignored" })
      }
      return advance(draft)
    case "Stopped":
      draft.note({ _tag: "ChildStopped", id: child.id })
      draft.settle(child)
      return advance(draft)
    case "StartFailed":
      draft.note({ _tag: "ChildStartFailed", id: child.id })
      return hearStartFailed(draft, child, input.atMillis)
  }
}

const hearStartFailed = (draft: SupervisorDraft, child: ChildState, atMillis: number): void => {
  switch (draft.plan?.task._tag) {
    case "Boot":
      draft.update(child, { status: "stopped" })
      return shutDown(draft, { _tag: "start_failed", child: child.id })
    case "AddChild":
      draft.plan = undefined
      draft.remove(child)
      return draft.reply({ _tag: "StartFailed" })
    case "RestartChild":
      draft.plan = undefined
      draft.update(child, { status: "stopped" })
      return draft.reply({ _tag: "StartFailed" })
    default:
      passOn(draft, child)
      draft.plan = undefined
      return grantRestart(draft, child, atMillis, true)
  }
}

/** From now on `to` is what the group waits for: the child it was restarted for has no retry of its own any more. */
const passOn = (draft: SupervisorDraft, to: ChildState): void => {
  if (draft.plan?.task._tag !== "Restart" || draft.plan.task.id === to.id) return
  const from = draft.find(draft.plan.task.id)
  if (from?.status !== "restarting") return
  draft.note({ _tag: "ChildRestartCancelled", id: from.id })
  draft.update(from, { status: "stopped" })
}

const hearExit = (
  draft: SupervisorDraft,
  input: Extract<SupervisorInput, { readonly _tag: "Exited" }>
): void => {
  const child = draft.find(input.id)
  if (child === undefined || child.status !== "running" || child.generation !== input.generation) return
  draft.note({
    _tag: "ChildExited",
    id: child.id,
    exit: input.exit,
    isReported: ChildExit.isReported(child.restart, input.exit)
  })
  if (ChildExit.isRestarted(child.restart, input.exit)) return grantRestart(draft, child, input.atMillis, false)
  draft.settle(child)
  if (AutoShutdown.isDue(draft.flags.autoShutdown, child.significant, () => hasActiveSignificant(draft))) {
    shutDown(draft, { _tag: "auto_shutdown", child: child.id })
  }
}

/** Whether another significant child runs or waits to be restarted. */
const hasActiveSignificant = (draft: SupervisorDraft): boolean =>
  draft.children.toArray().some((other) => other.significant && (isLive(other) || other.status === "restarting"))

/** Counts one restart of `child`, and gives up when it was one too many. A failed attempt is taken up again later. */
const grantRestart = (draft: SupervisorDraft, child: ChildState, atMillis: number, isAttempt: boolean): void => {
  draft.window = RestartIntensity.record(draft.window, draft.flags.intensity, atMillis)
  if (RestartIntensity.isExceeded(draft.window, draft.flags.intensity)) {
    draft.update(child, { status: "stopped" })
    return shutDown(draft, { _tag: "intensity_exceeded", child: child.id })
  }
  draft.note({ _tag: "ChildRestarting", id: child.id, attempts: RestartIntensity.size(draft.window) })
  const restarting = draft.update(child, { status: "restarting" })
  if (child.delayed) {
    draft.begin({ _tag: "Delay", id: child.id }, groupStops(draft, restarting))
    return advance(draft)
  }
  if (isAttempt) {
    draft.commands.push({ _tag: "Retry", id: child.id, generation: child.generation })
    return
  }
  restartGroup(draft, restarting)
}

const restartGroup = (draft: SupervisorDraft, failed: ChildState): void => {
  const starts = groupOf(draft, failed).map(({ id }): Step => ({ _tag: "Start", id }))
  draft.begin({ _tag: "Restart", id: failed.id }, [...groupStops(draft, failed), ...starts])
  advance(draft)
}

/** The children that share the fate of `failed`, itself included, in start order. */
const groupOf = (draft: SupervisorDraft, failed: ChildState): ReadonlyArray<ChildState> => {
  switch (draft.flags.strategy) {
    case "one_for_one":
      return [failed]
    case "rest_for_one":
      return draft.children.fromChild(failed.id)
    case "one_for_all":
      return draft.children.toArray()
  }
}

const groupStops = (draft: SupervisorDraft, failed: ChildState): ReadonlyArray<Step> =>
  groupOf(draft, failed)
    .filter((child) => child.id !== failed.id)
    .map(({ id }): Step => ({ _tag: "Stop", id }))
    .toReversed()
