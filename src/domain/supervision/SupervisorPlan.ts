/** Carries a supervisor's plan forward: the next start or stop that still makes sense, or the end of the task. */
import type { ChildState } from "./ChildState.ts"
import { isLive, type SupervisorDraft } from "./SupervisorDraft.ts"
import type { Plan, Step, SupervisorEnd } from "./SupervisorState.ts"

/** Emits the next step, or finishes the task when none is left. */
export const advance = (draft: SupervisorDraft): void => {
  while (draft.plan !== undefined) {
    const step = draft.plan.steps[draft.plan.next]
    if (step === undefined) return finish(draft, draft.plan)
    const child = draft.find(step.id)
    if (child !== undefined && take(draft, step, child)) return
    draft.plan = { ...draft.plan, next: draft.plan.next + 1 }
  }
}

/** Whether the step has to be waited for. A child that is gone, or already as the step wants it, is passed over. */
const take = (draft: SupervisorDraft, step: Step, child: ChildState): boolean => {
  if (step._tag === "Stop") {
    if (isLive(child)) {
      draft.update(child, { status: "stopping" })
      draft.commands.push({ _tag: "Stop", id: child.id })
      return true
    }
    if (child.status === "restarting") {
      draft.commands.push({ _tag: "Cancel", id: child.id })
      draft.note({ _tag: "ChildRestartCancelled", id: child.id })
      draft.settle(child)
    }
    return false
  }
  if (isLive(child)) return false
  const generation = ++draft.starts
  draft.update(child, { status: "starting", generation })
  draft.commands.push({ _tag: "Start", id: child.id, generation })
  return true
}

const finish = (draft: SupervisorDraft, plan: Plan): void => {
  draft.plan = undefined
  switch (plan.task._tag) {
    case "Boot":
      return draft.note({ _tag: "SupervisorStarted" })
    case "Restart":
      return
    case "Delay": {
      const child = draft.find(plan.task.id)
      if (child !== undefined) draft.commands.push({ _tag: "Retry", id: child.id, generation: child.generation })
      return
    }
    case "AddChild":
    case "RestartChild":
    case "TerminateChild":
      return draft.reply({ _tag: "Done" })
    case "Shutdown":
      draft.end = plan.task.end
      draft.commands.push({ _tag: "End", end: plan.task.end })
  }
}

/** Stops every child in reverse start order, then ends. Replaces whatever was planned. */
export const shutDown = (draft: SupervisorDraft, end: SupervisorEnd): void => {
  draft.begin(
    { _tag: "Shutdown", end },
    draft.children.toArray().map(({ id }): Step => ({ _tag: "Stop", id })).toReversed()
  )
  advance(draft)
}
