/**
 * How a child ended, and what that means for it by its restart kind.
 *
 * OTP's exit reasons in four classes: `normal` (the effect succeeded), `shutdown` (an orderly end on request, or of a
 * supervisor below that gave up or stopped itself), `failure` (typed error or defect), `killed` (interrupted by somebody
 * who is not the supervisor). The first two are orderly, the others abnormal.
 */

/** `permanent` is always restarted, `transient` only after an abnormal end, `temporary` never. */
export type Restart = "permanent" | "transient" | "temporary"

export const restarts: ReadonlyArray<Restart> = ["permanent", "transient", "temporary"]

export type ExitClass = "normal" | "shutdown" | "failure" | "killed"

export const isAbnormal = (exit: ExitClass): boolean => exit === "failure" || exit === "killed"

/** Whether a child that ended by itself is to be started again. */
export const isRestarted = (restart: Restart, exit: ExitClass): boolean =>
  restart === "permanent" || (restart === "transient" && isAbnormal(exit))

/** Whether the end is worth an operator's line: every end of a permanent child, abnormal ends of the others. */
export const isReported = (restart: Restart, exit: ExitClass): boolean => restart === "permanent" || isAbnormal(exit)
