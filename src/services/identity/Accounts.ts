/** Keeps who may sign in as the configuration has it, and sends links to those who want one. */
import { Context, Effect } from "effect"

const notYet = { message: "the users of the configuration are not known yet" }

export class Accounts extends Context.Service<Accounts, {
  /** For a supervisor. */
  readonly run: Effect.Effect<never>
  /** Fails until it is so for the first time. */
  readonly ready: Effect.Effect<void, { readonly message: string }>
}>()("serviceradar/services/identity/Accounts") {
  /** `run` says by `done` when it is so. */
  static readonly make = (run: (done: Effect.Effect<void>) => Effect.Effect<never>) => {
    let isReady = false
    return Accounts.of({
      run: run(Effect.sync(() => isReady = true)),
      ready: Effect.suspend(() => isReady ? Effect.void : Effect.fail(notYet))
    })
  }

  /** Of a core to which nobody signs in. */
  static readonly none = Accounts.of({ run: Effect.never, ready: Effect.fail(notYet) })
}
