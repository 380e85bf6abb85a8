/**
 * Whether we may acknowledge at all: an account may let us fetch messages and refuse that they are settled.
 *
 * The server says so on the side, for each acknowledgement, and the message comes again. Permissions last as long as a
 * connection does, so one watch for each is enough.
 */
import { type NatsConnection, PermissionViolationError } from "@nats-io/transport-node"
import { Effect } from "effect"

const prefix = "$JS.ACK."
const denied = `messages cannot be acknowledged: NATS does not permit a publish to ${prefix}>`

class Watch {
  isDenied = false
  readonly #waiting = new Set<() => void>()

  constructor(nc: NatsConnection) {
    void this.#follow(nc)
  }

  async #follow(nc: NatsConnection): Promise<void> {
    for await (const status of nc.status()) {
      const error = status.type === "error" ? status.error : undefined
      if (!(error instanceof PermissionViolationError && error.subject.startsWith(prefix))) continue
      this.isDenied = true
      for (const wake of this.#waiting) wake()
      return
    }
  }

  wait(wake: () => void): () => void {
    this.#waiting.add(wake)
    return () => void this.#waiting.delete(wake)
  }
}

const watches = new WeakMap<NatsConnection, Watch>()

const watchOf = (nc: NatsConnection): Watch => {
  const known = watches.get(nc)
  if (known !== undefined) return known
  const made = new Watch(nc)
  watches.set(nc, made)
  return made
}

/** What to say where one was refused on this connection. */
export const refusal = (nc: NatsConnection): string | undefined => watchOf(nc).isDenied ? denied : undefined

/** Waits until one is refused. */
export const denial = (nc: NatsConnection): Effect.Effect<string> =>
  Effect.callback<string>((resume) => {
    const watch = watchOf(nc)
    if (watch.isDenied) return resume(Effect.succeed(denied))
    const forget = watch.wait(() => resume(Effect.succeed(denied)))
    return Effect.sync(forget)
  })
