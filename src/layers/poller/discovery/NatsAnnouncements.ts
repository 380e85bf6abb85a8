/**
 * Agents that announce themselves on a subject of NATS, each time until a lease ends: `{"agent_id":"edge-7",
 * "address":"192.0.2.7:50051"}`, with `version`, `capabilities` and `checks` as they have them, and `"leaving":true` to go.
 * What is empty or 0 over gRPC may be left out.
 *
 * Who may publish there may make the poller dial any address: NATS's permissions decide.
 */
import { Duration, Effect, Option, Queue, Result, Schema } from "effect"
import { asciiAddress } from "../../../domain/monitoring/checks/ProbeTarget.ts"
import * as Announcement from "../../../domain/poller/discovery/Announcement.ts"
import type { NatsSubject } from "../../../domain/poller/discovery/DiscoveryConfig.ts"
import * as HostPort from "../../../domain/sockets/HostPort.ts"
import { Arrivals } from "../../../services/poller/discovery/Arrivals.ts"
import { NatsConnection } from "../../nats/connection/NatsConnection.ts"

const { agentId, capabilities, version } = Announcement.Announcement.fields

const Message = Schema.fromJsonString(Schema.Struct({
  agent_id: agentId,
  address: Schema.String.check(
    Schema.makeFilter((text) =>
      Option.exists(HostPort.parse(text), ({ host }) => host !== "") || "an address such as \"192.0.2.7:50051\""
    )
  ),
  version: Schema.optionalKey(version),
  capabilities: Schema.optionalKey(capabilities),
  checks: Schema.optionalKey(Announcement.BriefChecks),
  leaving: Schema.optionalKey(Schema.Boolean)
}))

const decode = Schema.decodeUnknownResult(Message)

/** Bytes of one announcement. */
const bytesMax = 64 * 1024
/** The newest go where there are more than are taken. */
const waitingMax = 1_000
const withoutConnection = "1 second"

const take = Effect.fnUntraced(function*({ lease, subject }: NatsSubject, data: Uint8Array) {
  const arrivals = yield* Arrivals
  const message = data.length > bytesMax
    ? Result.fail({ message: `it has ${data.length} bytes, and at most ${bytesMax} are read` })
    : decode(new TextDecoder().decode(data))
  if (Result.isFailure(message)) {
    const detail = `an announcement on ${subject} is none: ${message.failure.message}`
    return yield* arrivals.refused({ source: "nats", reason: "unreadable", detail })
  }
  const { success: said } = message
  const by = { identity: "", source: "nats" } as const
  const decided = said.leaving === true
    ? arrivals.withdraw(said.agent_id, by)
    : arrivals.announce(
      Announcement.toArrival({
        agentId: said.agent_id,
        version: said.version ?? "",
        capabilities: said.capabilities ?? [],
        checks: said.checks ?? []
      }, { ...by, address: asciiAddress(said.address) }),
      Duration.toMillis(lease)
    )
  yield* Effect.catchTag(
    decided,
    "ArrivalRefused",
    ({ message, refusal }) => arrivals.refused({ source: "nats", reason: refusal, detail: message })
  )
})

/** For one connection: ends with it. */
const session = (options: NatsSubject) =>
  Effect.scoped(Effect.gen(function*() {
    const { nc } = yield* NatsConnection.use(({ client }) => client)
    const waiting = yield* Queue.sliding<Uint8Array>(waitingMax)
    yield* Effect.acquireRelease(
      Effect.sync(() =>
        nc.subscribe(options.subject, {
          callback: (error, message) => {
            if (error === null) Queue.offerUnsafe(waiting, message.data)
          }
        })
      ),
      (subscription) => Effect.sync(() => subscription.unsubscribe())
    )
    const taking = Effect.forever(Effect.flatMap(Queue.take(waiting), (data) => take(options, data)))
    yield* Effect.raceFirst(taking, Effect.asVoid(Effect.promise(() => nc.closed())))
  }))

/** Listens on each connection that there is; never ends by itself. */
export const listen = (options: NatsSubject) =>
  Effect.forever(Effect.andThen(
    Effect.catchTag(session(options), "NatsUnavailable", () => Effect.void),
    Effect.sleep(withoutConnection)
  ))
