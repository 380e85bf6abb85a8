/** What an error of JetStream means: passing, or for a person. */
import { JetStreamApiCodes, JetStreamApiError } from "@nats-io/jetstream"
import { InvalidArgumentError, PermissionViolationError, RequestError } from "@nats-io/transport-node"
import * as NatsFailure from "../../nats/connection/NatsFailure.ts"

export const errorCodes = {
  consumerMissing: JetStreamApiCodes.ConsumerNotFound,
  streamMissing: JetStreamApiCodes.StreamNotFound,
  noMessage: JetStreamApiCodes.NoMessageFound,
  wrongLastSequence: JetStreamApiCodes.StreamWrongLastSequence,
  consumerExists: 10148,
  consumerNameInUse: 10013,
  streamNameInUse: 10058,
  subjectsOverlap: 10065,
  storageExceeded: 10047,
  /** As the reason of another refusal, when the limit of the account's storage is meant. */
  accountStorageExceeded: 10002,
  ackPendingExceeded: 10121,
  filterNotInStream: 10093
} as const

/** The API's own code, 0 for what the API did not say. */
export const codeOf = (cause: unknown): number => cause instanceof JetStreamApiError ? cause.code : 0

const statusPassing = 500

/** Waiting does not help: something is missing, in the way or not allowed. */
export const isLasting = (cause: unknown): boolean => {
  if (cause instanceof PermissionViolationError || cause instanceof InvalidArgumentError) return true
  if (cause instanceof JetStreamApiError) return cause.status < statusPassing
  return cause instanceof Error && cause.cause !== undefined && isLasting(cause.cause)
}

/** The client takes it for JetStream being off, whatever was asked. */
const isUnanswered = (cause: unknown): boolean =>
  cause instanceof Error &&
  (cause instanceof RequestError ? cause.isNoResponders() : cause.cause !== undefined && isUnanswered(cause.cause))

export const detail = (cause: unknown): string => {
  const code = codeOf(cause)
  if (code !== 0) return `${NatsFailure.detail(cause)} (JetStream ${code})`
  return isUnanswered(cause)
    ? "nobody answers: no stream has the subject, or JetStream is off or still starting"
    : NatsFailure.detail(cause)
}
