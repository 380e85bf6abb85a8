/**
 * Whether the pages of a query are all of it.
 *
 * The Go service takes any page without a `next` for the last one and believes every `next`; with one page broken off it
 * serves, and sweeps, a part for the whole. Here a query is complete only when the source itself ended it, each page
 * was as long as the step to the next one, and as many devices came as its `total` said.
 */
export type IncompleteReason =
  | "empty_page"
  | "short_page"
  | "next_not_growing"
  | "next_negative"
  | "next_invalid"
  | "page_cap"
  | "count_mismatch"

export interface Incomplete {
  readonly _tag: "Incomplete"
  readonly reason: IncompleteReason
  readonly detail: string
}

export interface Page {
  /** Where this page began. */
  readonly from: number
  /** Devices in it, rejected ones included. */
  readonly count: number
  /** Where the next one begins; undefined when the source says that there is none. */
  readonly next: number | undefined
  /** How many devices the query has, when the source says so. */
  readonly total: number | undefined
}

export type Step = { readonly _tag: "Next"; readonly from: number } | { readonly _tag: "End" } | Incomplete

const incomplete = (reason: IncompleteReason, detail: string): Incomplete => ({ _tag: "Incomplete", reason, detail })

/** What follows after the `index`th page, counted from 0. */
export const advance = (page: Page, index: number, pagesMax: number): Step => {
  const { count, from, next } = page
  if (next === undefined) return { _tag: "End" }
  if (!Number.isSafeInteger(next)) return incomplete("next_invalid", `next is ${next}`)
  if (next < 0) return incomplete("next_negative", `next is ${next}`)
  if (next <= from) return incomplete("next_not_growing", `next is ${next} after a page that began at ${from}`)
  if (count === 0) return incomplete("empty_page", `the page at ${from} is empty, next is ${next}`)
  if (count < next - from) {
    return incomplete("short_page", `the page at ${from} has ${count} devices, next is ${next}`)
  }
  return index + 1 >= pagesMax
    ? incomplete("page_cap", `more than ${pagesMax} pages`)
    : { _tag: "Next", from: next }
}

/**
 * At the end of a query: devices that came, each counted once, against what the source said last. Nothing at all is the
 * whole only when the source says so.
 */
export const settle = (devices: number, total: number | undefined): Incomplete | undefined => {
  if (total === undefined) {
    return devices > 0
      ? undefined
      : incomplete("count_mismatch", "no devices came, and the source does not say that it has none")
  }
  return devices >= total
    ? undefined
    : incomplete("count_mismatch", `${devices} devices came, the source has ${total}`)
}
