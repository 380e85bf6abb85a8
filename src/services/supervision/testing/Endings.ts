/** What the end of a tree says about it: judged only where the test is not itself the cause. */
import type { SupervisionEvent } from "../../../domain/supervision/SupervisionEvent.ts"
import type * as FaultPlan from "./FaultPlan.ts"
import type { Violation } from "./Invariants.ts"
import * as TreeSnapshot from "./TreeSnapshot.ts"

/** The fewest restarts that a supervisor of the tree has left. */
export const budgetLeft = (tree: TreeSnapshot.TreeSnapshot): number =>
  Math.min(...TreeSnapshot.flatten(tree).map(({ restartsBudgetLeft = Number.POSITIVE_INFINITY }) => restartsBudgetLeft))

const budgetMin = 2

/**
 * One child's end, after which its tree gives up although it had several restarts left: children fail by themselves, again
 * at each restart.
 */
export const gaveUpAlone = (
  earlier: ReadonlyArray<FaultPlan.Step>,
  step: FaultPlan.Step,
  budgetBefore: number,
  events: ReadonlyArray<SupervisionEvent>
): Violation | undefined => {
  const isOneEnd = step.fault === "crash" || step.fault === "kill" || step.fault === "complete"
  const last = events.at(-1)
  const hasGivenUp = last?._tag === "SupervisorEnded" && last.reason === "intensity_exceeded"
  // Starts that fail because the test lets them are restarts too.
  const isTests = earlier.some(({ fault }) => fault === "failStarts")
  if (!isOneEnd || !hasGivenUp || isTests || budgetBefore < budgetMin) return undefined
  const failure = events.findLast((event) => event._tag === "ChildStartFailed" || event._tag === "ChildExited")
  const why = failure?._tag === "ChildStartFailed" || failure?._tag === "ChildExited"
    ? `${failure.path}/${failure.child}: ${failure.message.split("\n")[0] ?? ""}`
    : last.path
  return {
    invariant: "a tree outlives one fault",
    detail: `it gave up with ${budgetBefore} restarts left, because of ${why}`
  }
}
