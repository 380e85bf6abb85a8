/**
 * One connection to NATS: opened, never repaired, and drained before it is closed.
 */
import { jetstream, type JetStreamClient, type JetStreamManager, jetstreamManager } from "@nats-io/jetstream"
import { connect, type NatsConnection, type NodeConnectionOptions } from "@nats-io/transport-node"
import { Effect, Schema } from "effect"
import * as NatsFailure from "./NatsFailure.ts"

/** There is no connection now. */
export class NatsUnavailable extends Schema.TaggedError<NatsUnavailable>()("NatsUnavailable", {
  detail: Schema.String,
  /** Our credentials or certificates are not accepted, or cannot be read. */
  isRefused: Schema.Boolean
}) {
  override get message(): string {
    return `NATS is not available: ${this.detail}`
  }
}

/** One connection and what speaks over it. */
export interface NatsClient {
  readonly nc: NatsConnection
  readonly js: JetStreamClient
  readonly jsm: JetStreamManager
  /** `$JS.API`, or that of the domain. */
  readonly apiPrefix: string
  readonly version: { readonly major: number; readonly minor: number }
}

const closeLimit = "2 seconds"

export const unavailable = (cause: unknown): NatsUnavailable =>
  new NatsUnavailable({ detail: NatsFailure.detail(cause), isRefused: NatsFailure.isRefusal(cause) })

/** Whoever loses interest leaves no connection behind. */
const dial = (options: NodeConnectionOptions) =>
  Effect.callback<NatsConnection, NatsUnavailable>((resume) => {
    let isAbandoned = false
    connect(options).then(
      (nc) => isAbandoned ? void nc.close() : resume(Effect.succeed(nc)),
      (cause) => resume(Effect.fail(unavailable(cause)))
    )
    return Effect.sync(() => {
      isAbandoned = true
    })
  })

/** What was said on it reaches the server, acknowledgements above all. */
const close = (nc: NatsConnection) =>
  Effect.suspend(() => nc.isClosed() ? Effect.void : Effect.promise(() => nc.drain().catch(() => undefined))).pipe(
    Effect.timeoutOption(closeLimit),
    Effect.andThen(Effect.promise(() => nc.close()).pipe(Effect.timeoutOption(closeLimit)))
  )

const versionOf = (text: string): NatsClient["version"] => {
  const [major = 0, minor = 0] = text.split(".", 2).map((part) => Number.parseInt(part, 10) || 0)
  return { major, minor }
}

const clientOf = (nc: NatsConnection, domain: string | undefined) =>
  Effect.promise(async (): Promise<NatsClient> => {
    const place = domain === undefined || domain === "" ? {} : { domain }
    return {
      nc,
      js: jetstream(nc, { ...place }),
      jsm: await jetstreamManager(nc, { ...place, checkAPI: false }),
      apiPrefix: "domain" in place ? `$JS.${place.domain}.API` : "$JS.API",
      version: versionOf(nc.info?.version ?? "")
    }
  })

export const open = (options: NodeConnectionOptions, domain: string | undefined) =>
  Effect.uninterruptibleMask((restore) =>
    Effect.tap(restore(dial(options)), (nc) => Effect.addFinalizer(() => close(nc)))
  ).pipe(Effect.flatMap((nc) => clientOf(nc, domain)))
