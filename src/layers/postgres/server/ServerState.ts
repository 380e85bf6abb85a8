/** Whether a PostgreSQL of our own runs, and as long as it does not, why: its own last words where it has said any. */
import { Context, Effect, Layer, Schema } from "effect"

export class ServerAway extends Schema.TaggedError<ServerAway>()("ServerAway", { reason: Schema.String }) {
  override get message(): string {
    return this.reason
  }
}

export class ServerState extends Context.Service<ServerState, {
  /** It did not start, or ended. */
  readonly failed: (error: { readonly message: string }) => Effect.Effect<void>
  readonly started: Effect.Effect<void>
  readonly check: Effect.Effect<void, ServerAway>
}>()("serviceradar/layers/postgres/ServerState") {
  static readonly layer = Layer.sync(ServerState, () => {
    let reason: string | undefined
    return ServerState.of({
      failed: ({ message }) => Effect.sync(() => void (reason = message)),
      started: Effect.sync(() => void (reason = undefined)),
      check: Effect.suspend(() => reason === undefined ? Effect.void : Effect.fail(new ServerAway({ reason })))
    })
  })
}
