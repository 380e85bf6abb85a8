/**
 * How urgent the end of a certificate is: 30, 7 and 1 days before it, each said once.
 *
 * A certificate that lives for hours, as those of SPIFFE do, is renewed at half of its life; a warning counts for it only
 * where it comes later than that.
 */
import { Option } from "effect"

export interface Validity {
  readonly notBeforeMillis: number
  readonly notAfterMillis: number
}

export const warningDays = [30, 7, 1] as const
export type WarningDays = typeof warningDays[number]

const dayMillis = 86_400_000

/** The smallest of the warnings that are due. */
export const warningDue = (validity: Validity, nowMillis: number): Option.Option<WarningDays> => {
  const lifeMillis = validity.notAfterMillis - validity.notBeforeMillis
  const leftMillis = validity.notAfterMillis - nowMillis
  const due = warningDays.filter((days) => leftMillis <= days * dayMillis && days * dayMillis <= lifeMillis / 2)
  return Option.fromUndefinedOr(due.at(-1))
}

export const isExpired = (validity: Validity, nowMillis: number): boolean => nowMillis > validity.notAfterMillis

export const isNotYetValid = (validity: Validity, nowMillis: number): boolean => nowMillis < validity.notBeforeMillis
