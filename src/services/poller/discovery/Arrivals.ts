/**
 * The agents that came by themselves or were found, for as long as they are there.
 *
 * Belongs to the layer, not to the tree: a restart of the children forgets nobody.
 */
import { Context, Effect, Layer, Metric, Result, Schedule, Schema, type Stream, SubscriptionRef } from "effect"
import type { AgentId } from "../../../domain/monitoring/Ids.ts"
import type { Arrival, ArrivalSource } from "../../../domain/poller/discovery/Arrival.ts"
import * as ArrivalTable from "../../../domain/poller/discovery/ArrivalTable.ts"
import * as Monotonic from "../../clock/Monotonic.ts"
import * as PollerMetrics from "../PollerMetrics.ts"
import * as Refusals from "./Refusals.ts"

const reasons: Readonly<Record<ArrivalTable.Refusal, string>> = {
  configured: "the poller's configuration file has an agent of this id",
  taken: "another agent has this id",
  full: "the poller has as many agents of this kind as it may (discovery.agents_max)"
}

export class ArrivalRefused extends Schema.TaggedError<ArrivalRefused>()("ArrivalRefused", {
  agentId: Schema.String,
  refusal: Schema.Literals(["configured", "taken", "full"])
}) {
  override get message(): string {
    return `agent ${this.agentId} is not taken: ${reasons[this.refusal]}`
  }
}

export interface LeasedArrival {
  readonly arrival: Arrival
  readonly leftMillis: number
}

export interface Present {
  readonly arrivals: ReadonlyArray<Arrival>
  /** Those that have just gone without a word. */
  readonly lapsed: ReadonlySet<AgentId>
}

export class Arrivals extends Context.Service<Arrivals, {
  /** Takes the agent, or keeps it, until so many milliseconds from now. */
  readonly announce: (arrival: Arrival, leaseMillis: number) => Effect.Effect<void, ArrivalRefused>
  /** Nothing when it is not there. */
  readonly withdraw: (
    agentId: AgentId,
    by: Pick<Arrival, "identity" | "source">
  ) => Effect.Effect<void, ArrivalRefused>
  /** Counts one that was not taken, and tells of it. */
  readonly refused: (refused: Refusals.Refused) => Effect.Effect<void>
  /** All there are of the source now. */
  readonly replace: (source: ArrivalSource, found: ReadonlyArray<Arrival>) => Effect.Effect<void>
  readonly current: Effect.Effect<Present>
  /** Those that hold a lease, and for how long they still do. */
  readonly leased: Effect.Effect<ReadonlyArray<LeasedArrival>>
  /** As they are, then after each change. */
  readonly changes: Stream.Stream<Present>
  /** Lets go those whose lease has ended. */
  readonly run: Effect.Effect<never>
}>()("serviceradar/services/poller/discovery/Arrivals") {
  static readonly layer = (rules: ArrivalTable.Rules) => Layer.effect(this, make(rules))
}

const expireEvery = "1 second"

const make = Effect.fnUntraced(function*(rules: ArrivalTable.Rules) {
  let table = ArrivalTable.empty
  const told = yield* SubscriptionRef.make<Present>({ arrivals: [], lapsed: new Set() })

  /** Told of only where somebody came, went or is another. */
  const become = (next: ArrivalTable.ArrivalTable, isLapse = false) =>
    Effect.suspend(() => {
      const isNews = !ArrivalTable.isSame(table, next)
      const lapsed = new Set(isLapse ? [...table.held.keys()].filter((agentId) => !next.held.has(agentId)) : [])
      table = next
      const { size } = next.held
      return isNews
        ? Effect.andThen(
          SubscriptionRef.set(told, { arrivals: ArrivalTable.arrivals(next), lapsed }),
          Metric.update(PollerMetrics.arrivedAgents, size)
        )
        : Effect.void
    }).pipe(Effect.uninterruptible)

  const settle = (agentId: AgentId, decided: Result.Result<ArrivalTable.ArrivalTable, ArrivalTable.Refusal>) =>
    Result.match(decided, {
      onFailure: (refusal) => Effect.fail(new ArrivalRefused({ agentId, refusal })),
      onSuccess: (next) => become(next)
    })

  return Arrivals.of({
    announce: (arrival, leaseMillis) =>
      Effect.flatMap(
        Monotonic.millis,
        (now) => settle(arrival.agentId, ArrivalTable.announce(table, arrival, now + leaseMillis, rules))
      ),
    withdraw: (agentId, by) => Effect.suspend(() => settle(agentId, ArrivalTable.withdraw(table, agentId, by))),
    refused: Refusals.make(),
    replace: (source, found) => Effect.suspend(() => become(ArrivalTable.replace(table, source, found, rules))),
    current: SubscriptionRef.get(told),
    leased: Effect.map(Monotonic.millis, (now) =>
      ArrivalTable.leased(table).map(({ arrival, expiresMillis }) => ({
        arrival,
        leftMillis: Math.max(0, expiresMillis - now)
      }))),
    changes: SubscriptionRef.changes(told),
    run: Effect.andThen(
      Effect.repeat(
        Effect.flatMap(Monotonic.millis, (now) => become(ArrivalTable.expire(table, now), true)),
        Schedule.spaced(expireEvery)
      ),
      Effect.never
    )
  })
})
