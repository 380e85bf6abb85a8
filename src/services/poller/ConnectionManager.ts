/**
 * Owns the connection to one agent, and finds out whether the agent is there.
 *
 * It probes when the connection breaks or someone suspects the agent, and then until it answers, at most about a second apart. When an
 * agent that was absent answers, everybody who waits for it runs at once instead of at the next interval.
 */
import { Duration, Effect, Metric, Option, Ref } from "effect"
import { CircuitBreaker } from "effect/persistence"
import * as Backoff from "../../domain/backoff/Backoff.ts"
import { AgentClient, type AgentConnection, type AgentError } from "./AgentClient.ts"
import * as AgentLink from "./AgentLink.ts"
import * as PollerMetrics from "./PollerMetrics.ts"

const probeTimeout = Duration.seconds(2)
const failuresMax = 5
/** Shorter than the pause between probes, so that a probe is never the one that is turned away. */
const openDuration = "750 millis"

const betweenProbes = Backoff.capped({ from: "250 millis", to: "1 second" })

/** Two parts: with the connection made the next child may start; the rest watches over it. */
export const start = (link: AgentLink.AgentLink) =>
  Effect.map(connect(link), (connection) => Effect.forever(watch(link, connection)))

const connect = Effect.fnUntraced(function*(link: AgentLink.AgentLink) {
  const client = yield* AgentClient
  const connection = yield* client.connect(link.agent, link.poller.pollerId)
  const breaker = yield* CircuitBreaker.make({
    tripPolicy: CircuitBreaker.consecutive(failuresMax),
    openDuration
  })
  yield* Effect.acquireRelease(
    Ref.set(link.session, Option.some({ connection, breaker })),
    () => Ref.set(link.session, Option.none())
  )
  yield* link.isSuspect.open
  return connection
})

const watch = Effect.fnUntraced(function*(link: AgentLink.AgentLink, connection: AgentConnection) {
  const wasLost = yield* Effect.raceFirst(Effect.as(connection.lost, true), Effect.as(link.isSuspect.await, false))
  yield* link.isSuspect.close
  yield* AgentLink.throughBreaker(link, (one) => one.probe(probeTimeout), probeTimeout).pipe(
    Effect.tapError((error) => noteAbsent(link, error)),
    Effect.retry(betweenProbes),
    // The schedule has no end, which its type cannot say.
    Effect.orDie
  )
  yield* Metric.update(PollerMetrics.agentConnections, 1)
  const absence = yield* Ref.getAndSet(link.absence, Option.none())
  if (Option.isSome(absence)) yield* Effect.logInfo(`agent ${link.agent.agentId} is back`)
  // A connection that broke and is whole again: the agent was restarted, and may have changed.
  if (Option.isNone(absence) && !wasLost) return
  yield* link.isSuspect.close
  yield* link.changed.release
})

const noteAbsent = Effect.fnUntraced(function*(link: AgentLink.AgentLink, error: AgentError) {
  // The breaker speaks here, not the agent: nothing was learned.
  if (error.reason._tag === "NotAsked") return
  const before = yield* Ref.getAndSet(link.absence, Option.some(error))
  if (Option.isSome(before)) return
  yield* Metric.update(PollerMetrics.agentFailures, 1)
  yield* Effect.logWarning(`${error.message} (${link.agent.address}); trying again`)
  yield* link.changed.release
})
