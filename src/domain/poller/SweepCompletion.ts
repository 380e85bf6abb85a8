/**
 * How far sweeps have come, as agents say it with their results, and as it is passed on to who makes devices of them.
 *
 * Agents and pollers of v1.0.76 have the fields and leave them empty; whoever fills them in is heard.
 */
export type SweepProgress = "unknown" | "notStarted" | "inProgress" | "completed" | "failed"

export interface SweepCompletion {
  readonly progress: SweepProgress
  /** Unix seconds; 0 until it is completed. */
  readonly completedAtSeconds: bigint
  /** Of the results that the sweep belongs to; empty where agents name different ones. */
  readonly targetSequence: string
  readonly targets: number
  readonly targetsDone: number
  /** Empty unless it failed. */
  readonly error: string
}

const progressOf = (all: ReadonlyArray<SweepCompletion>): SweepProgress => {
  const isAny = (progress: SweepProgress) => all.some((one) => one.progress === progress)
  if (isAny("failed")) return "failed"
  if (isAny("inProgress") || (isAny("completed") && isAny("notStarted"))) return "inProgress"
  if (isAny("notStarted")) return "notStarted"
  return isAny("completed") ? "completed" : "unknown"
}

/** Of all agents together, undefined where none has said anything: done when all are, failed when one is. */
export const together = (all: ReadonlyArray<SweepCompletion>): SweepCompletion | undefined => {
  const [first] = all
  if (first === undefined) return undefined
  const progress = progressOf(all)
  const isEnded = progress === "completed" || progress === "failed"
  return {
    progress,
    completedAtSeconds: isEnded
      ? all.reduce((latest, one) => one.completedAtSeconds > latest ? one.completedAtSeconds : latest, 0n)
      : 0n,
    targetSequence: all.every((one) => one.targetSequence === first.targetSequence) ? first.targetSequence : "",
    targets: all.reduce((sum, one) => sum + one.targets, 0),
    targetsDone: all.reduce((sum, one) => sum + one.targetsDone, 0),
    error: all.find(({ error, progress }) => progress === "failed" && error !== "")?.error ?? ""
  }
}
