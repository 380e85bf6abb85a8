/** What sync shows over HTTP: `/api/sync`, and whether there is anything to serve. */
import { Effect, Option } from "effect"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import { ResultsStore } from "../../services/sync/ResultsStore.ts"
import type { Spool } from "../../services/sync/Spool.ts"
import type { SyncProgress } from "../../services/sync/SyncProgress.ts"
import * as SyncStatus from "../../services/sync/SyncStatus.ts"
import type { Part } from "../http/Management.ts"

/** Opened, because it may be known and yet not be there. */
const servedSet = Effect.flatMap(
  Effect.scoped(ResultsStore.use((store) => store.open)),
  Option.match({
    onNone: () => Effect.fail({ message: "no source has been read yet" }),
    onSome: () => Effect.void
  })
)

export const part = (sources: Effect.Effect<ReadonlyArray<string>>): Part<Spool | ResultsStore | SyncProgress> => ({
  checks: [{ name: "served set", ready: servedSet }],
  routes: [{
    path: "/api/sync",
    summary: "What is served, and which sources serve an older run and why",
    answers: SyncStatus.SyncStatus,
    handle: () =>
      Effect.match(Effect.flatMap(sources, SyncStatus.read), {
        onSuccess: (status) => HttpServerResponse.jsonUnsafe(status),
        onFailure: ({ message }) => HttpServerResponse.jsonUnsafe({ error: message }, { status: 503 })
      })
  }]
})
