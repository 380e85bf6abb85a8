/**
 * When a supervisor stops itself because its significant children are done.
 *
 * Only a child that ended by itself and is not restarted counts: stops by hand or by a group restart never trigger.
 */
export type AutoShutdown = "never" | "any_significant" | "all_significant"

export const autoShutdowns: ReadonlyArray<AutoShutdown> = ["never", "any_significant", "all_significant"]

/** `hasActive`: whether another significant child runs or waits to be restarted; asked only when it matters. */
export const isDue = (autoShutdown: AutoShutdown, significant: boolean, hasActive: () => boolean): boolean =>
  significant && (autoShutdown === "any_significant" || (autoShutdown === "all_significant" && !hasActive()))
