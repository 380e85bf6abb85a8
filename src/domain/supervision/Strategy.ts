/** Who shares the fate of a failed child, in OTP's words. */

export type Strategy = "one_for_one" | "one_for_all" | "rest_for_one"

export const strategies: ReadonlyArray<Strategy> = ["one_for_one", "one_for_all", "rest_for_one"]

/** The first and one past the last position, in start order, of the children that are restarted together. */
export const groupOf = (
  strategy: Strategy,
  failed: number,
  size: number
): { readonly from: number; readonly to: number } => {
  switch (strategy) {
    case "one_for_one":
      return { from: failed, to: failed + 1 }
    case "rest_for_one":
      return { from: failed, to: size }
    case "one_for_all":
      return { from: 0, to: size }
  }
}
