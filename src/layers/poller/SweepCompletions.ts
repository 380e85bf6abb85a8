/** How far sweeps have come, on the wire. */
import type { SweepCompletion, SweepProgress } from "../../domain/poller/SweepCompletion.ts"
import { type SweepCompletionStatus, SweepCompletionStatus_Status } from "../../gen/monitoring/monitoring.ts"

const wireProgress = {
  unknown: SweepCompletionStatus_Status.UNKNOWN,
  notStarted: SweepCompletionStatus_Status.NOT_STARTED,
  inProgress: SweepCompletionStatus_Status.IN_PROGRESS,
  completed: SweepCompletionStatus_Status.COMPLETED,
  failed: SweepCompletionStatus_Status.FAILED
} as const satisfies Readonly<Record<SweepProgress, number>>

const progresses: ReadonlyMap<number, SweepProgress> = new Map([
  [wireProgress.notStarted, "notStarted"],
  [wireProgress.inProgress, "inProgress"],
  [wireProgress.completed, "completed"],
  [wireProgress.failed, "failed"]
])

export const toWire = (completion: SweepCompletion | undefined): SweepCompletionStatus | undefined =>
  completion === undefined ? undefined : {
    status: wireProgress[completion.progress],
    completionTime: completion.completedAtSeconds,
    targetSequence: completion.targetSequence,
    totalTargets: completion.targets,
    completedTargets: completion.targetsDone,
    errorMessage: completion.error
  }

export const fromWire = (given: SweepCompletionStatus | undefined): SweepCompletion | undefined =>
  given === undefined ? undefined : {
    progress: progresses.get(given.status) ?? "unknown",
    completedAtSeconds: given.completionTime,
    targetSequence: given.targetSequence,
    targets: given.totalTargets,
    targetsDone: given.completedTargets,
    error: given.errorMessage
  }
