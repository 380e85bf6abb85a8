/**
 * What the server says about a connection while it lasts: told in the log, and acted on where that helps.
 */
import { type NatsConnection, PermissionViolationError, type Status } from "@nats-io/transport-node"
import { Effect } from "effect"

/** Refused subjects are told once each; more than these would be a mistake of ours. */
const toldMax = 100

/** Each acknowledgement has a subject of its own; what is refused is all of them. */
const kindOf = (subject: string): string => subject.startsWith("$JS.ACK.") ? "$JS.ACK.>" : subject

const tell = (status: Status, server: string, told: Set<string>): Effect.Effect<void> => {
  if (status.type === "ldm") return Effect.logWarning(`NATS at ${server} is about to stop (lame duck)`)
  if (status.type === "staleConnection") return Effect.logWarning(`NATS at ${server} has stopped answering`)
  if (status.type !== "error") return Effect.void
  const line = status.error instanceof PermissionViolationError
    ? `NATS does not permit a ${status.error.operation} of ${kindOf(status.error.subject)}`
    : `NATS at ${server}: ${status.error.message}`
  if (told.has(line) || told.size >= toldMax) return Effect.void
  told.add(line)
  return Effect.logError(line)
}

/** Succeeds, with why, when it is time to go to another server; never when there is none. */
export const watch = Effect.fnUntraced(function*(nc: NatsConnection) {
  const statuses = nc.status()[Symbol.asyncIterator]()
  const server = nc.getServer()
  const told = new Set<string>()
  while (true) {
    // Not as a Stream: an iterator of the client cannot be left while it waits.
    const next = yield* Effect.promise(() => statuses.next())
    if (next.done === true) return yield* Effect.never
    yield* tell(next.value, server, told)
    if (next.value.type === "ldm" && nc.getServers().length > 1) return "the server is about to stop"
  }
})
