/** Who shares the fate of a failed child, in OTP's words. */

export type Strategy = "one_for_one" | "one_for_all" | "rest_for_one"

export const strategies: ReadonlyArray<Strategy> = ["one_for_one", "one_for_all", "rest_for_one"]
