/** Puts together how the event writer is. */
import { DateTime, Effect } from "effect"
import type { Peer, StreamReport, WriterReport } from "../../domain/events/reporting/WriterReport.ts"
import { type StreamStatus, StreamStatuses } from "../events/StreamStatus.ts"
import { DatabaseHealth } from "./DatabaseHealth.ts"

const streamReport = ({ lag, latencyMillis, ...counts }: StreamStatus): StreamReport => ({
  ...counts,
  latencyMillis: latencyMillis ?? null,
  lag: lag === undefined ? null : { ...lag, oldestMillis: lag.oldestMillis ?? null }
})

/** The connection to NATS as seen by `nats`, which succeeds while there is one. */
export const now = Effect.fn("WriterReports.now")(function*<R>(
  nats: Effect.Effect<unknown, { readonly message: string }, R>
) {
  const health = yield* DatabaseHealth
  const statuses = yield* StreamStatuses
  const state = yield* health.state
  const streams = yield* statuses.all
  const peer = yield* Effect.match(nats, {
    onFailure: ({ message }): Peer => ({ available: false, reason: message }),
    onSuccess: (): Peer => ({ available: true, reason: "" })
  })
  return {
    status: peer.available && state.isUp ? "operational" : "unavailable",
    timestamp: DateTime.formatIso(yield* DateTime.now),
    nats: peer,
    database: { available: state.isUp, reason: state.reason },
    streams: streams.map(streamReport)
  } satisfies WriterReport
})
