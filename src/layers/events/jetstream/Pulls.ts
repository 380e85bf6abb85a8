/** Pulls from durables as effects: for as long as the scope is open, one at a time, never longer than the server may take. */
import { Clock, Duration, Effect, Option, Schema, Semaphore } from "effect"
import * as Monotonic from "../../../services/clock/Monotonic.ts"
import type { JetStreamDelivery } from "./JetStreamMessage.ts"
import { PullGroup, type PullGroupOptions } from "./PullGroup.ts"

/** No pull can be answered any more. */
export class PullFailure extends Schema.TaggedError<PullFailure>()("PullFailure", {
  /** Empty when the server said nothing. */
  detail: Schema.String
}) {
  override get message(): string {
    return this.detail === "" ? "the server does not answer a pull" : this.detail
  }
}

export interface PullsOptions extends Pick<PullGroupOptions, "nc" | "durables" | "isForeign"> {
  readonly ackWait: Duration.Duration
  /** How long a pull waits for the first message. 1 second unless told: then an end is noticed soon. */
  readonly wait?: Duration.Duration | undefined
  /** Waits for a reason why nothing can be settled. */
  readonly refusal?: Effect.Effect<string> | undefined
}

const waitDefault = Duration.seconds(1)
/** Beyond the time after which the server says that there is nothing. */
const answerMillis = 2_000
const closeLimit = "2 seconds"
/** Where a few come at a time, asking for each few costs more than what they are asked for. */
const gatherMillis = 20

export const make = Effect.fnUntraced(function*(options: PullsOptions) {
  const clock = yield* Clock.Clock
  const waitMillis = Duration.toMillis(options.wait ?? waitDefault)
  const turn = yield* Semaphore.make(1)
  const group = yield* Effect.acquireRelease(
    Effect.sync(() =>
      new PullGroup({
        ...options,
        ackWaitMillis: Duration.toMillis(options.ackWait),
        waitMillis,
        now: () => Monotonic.millisOf(clock)
      })
    ),
    (group) => Effect.promise(() => group.close()).pipe(Effect.timeoutOption(closeLimit))
  )

  if (options.refusal !== undefined) {
    // Ends with the scope; whatever else ends it fails whoever pulls.
    const refused = Effect.map(options.refusal, (detail) => group.refuse(detail))
    yield* Effect.forkScoped(
      Effect.catchDefect(
        refused,
        (defect) => Effect.sync(() => group.refuse(`cannot hear of refusals: ${String(defect)}`))
      )
    )
  }

  const ready = (demand: number) =>
    Effect.callback<void>((resume) => {
      group.wait(demand, () => resume(Effect.void))
      return Effect.sync(() => group.forget())
    })

  let hadFew = false
  const pull = Effect.fnUntraced(function*(demand: number, bytesMax: number) {
    if (demand <= 0) return []
    if (hadFew) yield* Effect.sleep(gatherMillis)
    group.ask(demand, bytesMax)
    // Turned down for now: others wait for the same messages.
    while (group.isIdle) {
      yield* Effect.sleep("50 millis")
      group.ask(demand, bytesMax)
    }
    const answer = yield* Effect.timeoutOption(ready(demand), waitMillis + answerMillis)
    const deliveries = group.take(demand)
    hadFew = deliveries.length > 0 && deliveries.length < demand / 2 && !group.hasMore
    if (deliveries.length > 0) return deliveries
    if (Option.isNone(answer)) return yield* new PullFailure({ detail: "" })
    return group.failure === undefined ? deliveries : yield* new PullFailure({ detail: group.failure })
  })

  return (demand: number, bytesMax: number): Effect.Effect<ReadonlyArray<JetStreamDelivery>, PullFailure> =>
    turn.withPermit(pull(demand, bytesMax))
})
