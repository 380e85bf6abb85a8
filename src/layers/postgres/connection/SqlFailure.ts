/**
 * What a failed query means to whoever waits: is the server away, or is the query wrong?
 */
import { SqlError } from "effect/sql/SqlError"
import * as TlsFailure from "../../security/TlsFailure.ts"

/** SQLSTATEs of a server that is away, starting, out of room or, after a failover, read-only. */
const outageStates = /^(?:08|53|57P0|25006)/

/** The server does not let us in, or has no such database: until somebody changes that, here or there. */
const refusalStates = /^(?:28|3D000)/

/** Our tables or columns are not there: until a migration or a restore is done. */
const schemaStates = /^(?:42P01|42703)/

/** Ended by a timeout of the statement, or because somebody asked for its end. */
const canceledState = "57014"

/** Beyond what one session may use of the server, its room for what does not fit into memory above all. */
const limitState = "53400"

/** Two that waited for each other, or changed the same at once: one of both was told to begin anew. */
const raceStates = /^(?:40P01|40001)$/

const stateOf = (cause: unknown): string =>
  typeof cause === "object" && cause !== null && "code" in cause && typeof cause.code === "string" ? cause.code : ""

/** The constraint that a row would have broken. */
export const constraint = ({ reason: { cause } }: SqlError): string | undefined =>
  typeof cause === "object" && cause !== null && "constraint" in cause && typeof cause.constraint === "string"
    ? cause.constraint
    : undefined

/** Whether a row refers to one that is not there, or would not be there any more. */
export const isOfReference = (error: SqlError): boolean => stateOf(error.reason.cause) === "23503"

/** Whether the whole transaction is to be begun anew. */
export const isLostRace = (error: unknown): boolean =>
  error instanceof SqlError && raceStates.test(stateOf(error.reason.cause))

/** Whether the same query may succeed later without anybody changing anything. */
export const isOutage = (error: SqlError): boolean =>
  error.reason._tag === "ConnectionError" || error.isRetryable || outageStates.test(stateOf(error.reason.cause))

/** Whether a connection may come about later, though it is refused now. */
export const isRefusal = (error: SqlError): boolean =>
  error.reason._tag === "AuthenticationError" || refusalStates.test(stateOf(error.reason.cause))

/** Whether certificates, theirs or ours, or a login were not taken. */
export const isOfSecurity = (error: SqlError): boolean =>
  isRefusal(error) || TlsFailure.isTlsFailure(error.reason.cause)

/** Whether a table or column that the query names is not there. */
export const isOfSchema = (error: SqlError): boolean => schemaStates.test(stateOf(error.reason.cause))

export const isBeyondLimit = (error: SqlError): boolean => stateOf(error.reason.cause) === limitState

export const isCanceled = (error: SqlError): boolean => stateOf(error.reason.cause) === canceledState

/** Whether whoever sent this query should keep what it wanted to store. */
export const mayPass = (error: SqlError): boolean => isOutage(error) || isOfSchema(error)

export const isOutageCause = (cause: unknown): boolean =>
  cause instanceof SqlError && (isOutage(cause) || isRefusal(cause))

/** The database's own words: the innermost message of the chain of causes. */
export const detail = (error: { readonly message: string }): string => {
  const inner = causeOf(error)
  return inner === undefined ? error.message : detail(inner)
}

const causeOf = (error: object): Error | undefined => {
  const inner = error instanceof SqlError ? error.reason.cause : "cause" in error ? error.cause : undefined
  return inner instanceof Error && inner.message !== "" ? inner : undefined
}
