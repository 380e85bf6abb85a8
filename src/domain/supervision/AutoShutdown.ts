/**
 * When a supervisor stops itself because its significant children are done.
 *
 * Only a child that ended by itself and is not restarted counts: stops by hand or by a group restart never trigger.
 */
export type AutoShutdown = "never" | "any_significant" | "all_significant"

export const autoShutdowns: ReadonlyArray<AutoShutdown> = ["never", "any_significant", "all_significant"]

/** `activeSignificant` counts the other significant children that run or wait to be restarted. */
export const isDue = (autoShutdown: AutoShutdown, significant: boolean, activeSignificant: number): boolean =>
  significant &&
  (autoShutdown === "any_significant" || (autoShutdown === "all_significant" && activeSignificant === 0))
