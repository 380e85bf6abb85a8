/**
 * What a failed query means to whoever waits: is the server away, or is the query wrong?
 */
import { SqlError } from "effect/sql/SqlError"

/** SQLSTATE classes and codes of a server that goes away, starts, or has no room: the query itself may be fine. */
const outageStates = /^(?:08|53|57P0)/

const stateOf = (cause: unknown): string =>
  typeof cause === "object" && cause !== null && "code" in cause && typeof cause.code === "string" ? cause.code : ""

/** Whether the same query may succeed later without anybody changing anything. */
export const isOutage = (error: SqlError): boolean =>
  error.reason._tag === "ConnectionError" || error.isRetryable || outageStates.test(stateOf(error.reason.cause))

export const isOutageCause = (cause: unknown): boolean => cause instanceof SqlError && isOutage(cause)

/** The database's own words: the innermost message of the chain of causes. */
export const detail = (error: { readonly message: string }): string => {
  const inner = causeOf(error)
  return inner === undefined ? error.message : detail(inner)
}

const causeOf = (error: object): Error | undefined => {
  const inner = error instanceof SqlError ? error.reason.cause : "cause" in error ? error.cause : undefined
  return inner instanceof Error && inner.message !== "" ? inner : undefined
}
