/** What an error of JetStream means: passing, or for a person. */
import { JetStreamApiCodes, JetStreamApiError } from "@nats-io/jetstream"
import { PermissionViolationError } from "@nats-io/transport-node"
import * as NatsFailure from "./NatsFailure.ts"

export const errorCodes = {
  consumerMissing: JetStreamApiCodes.ConsumerNotFound,
  streamMissing: JetStreamApiCodes.StreamNotFound,
  noMessage: JetStreamApiCodes.NoMessageFound,
  wrongLastSequence: JetStreamApiCodes.StreamWrongLastSequence,
  consumerExists: 10148,
  consumerNameInUse: 10013,
  streamNameInUse: 10058,
  subjectsOverlap: 10065,
  storageExceeded: 10047
} as const

/** The API's own code, 0 for what the API did not say. */
export const codeOf = (cause: unknown): number => cause instanceof JetStreamApiError ? cause.code : 0

const statusPassing = 500

/** Waiting does not help: something is missing, in the way or not allowed. */
export const isLasting = (cause: unknown): boolean => {
  if (cause instanceof PermissionViolationError) return true
  if (cause instanceof JetStreamApiError) return cause.status < statusPassing
  return cause instanceof Error && cause.cause !== undefined && isLasting(cause.cause)
}

export const detail = (cause: unknown): string => {
  const code = codeOf(cause)
  return code === 0 ? NatsFailure.detail(cause) : `${NatsFailure.detail(cause)} (JetStream ${code})`
}
