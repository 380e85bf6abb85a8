/**
 * Owns the connection to one agent, and finds out whether the agent is there.
 *
 * It probes when the connection breaks or someone suspects the agent, and then until it answers, at most about a second apart. When an
 * agent that was absent answers, everybody who waits for it runs at once instead of at the next interval.
 *
 * The agents of a fleet take turns: when all are looked for at once, as at the start or after an outage of the network,
 * the first answers would wait behind thousands of connections until they count as late.
 */
import { Clock, Duration, Effect, Metric, Option, Random, Ref } from "effect"
import * as Backoff from "../../domain/backoff/Backoff.ts"
import * as Monotonic from "../clock/Monotonic.ts"
import { AgentClient, type AgentConnection, AgentError, Unreachable } from "./AgentClient.ts"
import * as AgentLink from "./AgentLink.ts"
import * as PollerMetrics from "./PollerMetrics.ts"
import { Gate } from "./polls/Gate.ts"

const probeTimeout = Duration.seconds(2)

/** An agent that is silent for so long lets others have its turn. */
const turnMax = Duration.millis(100)

/** One whose connection breaks with each round of its checks, which a probe does not show: from then on it is left alone. */
const fruitlessMax = 3
const betweenRounds = { from: Duration.seconds(1), to: Duration.seconds(30) }

/**
 * A connection that breaks and is whole again means that the agent was restarted, and its checks are asked for at once. One
 * that breaks again and again only ends often, as behind a proxy that takes few calls for each.
 */
const restartsMax = 3
/** Breaks are one after the other when they are no further apart than this beside two intervals. */
const apart = Duration.seconds(60)
/** An agent that was away for so long was restarted all the same. */
const awayMin = Duration.seconds(2)

const betweenProbes = Backoff.capped({ from: "250 millis", to: "1 second" })

/** Two parts: with the connection made the next child may start; the rest watches over it. */
export const start = (link: AgentLink.AgentLink) =>
  Effect.map(
    connect(link),
    (connection) => Effect.forever(Effect.flatMap(news(link, connection), (wasLost) => lookFor(link, wasLost)))
  )

const connect = Effect.fnUntraced(function*(link: AgentLink.AgentLink) {
  const client = yield* AgentClient
  const { agent, poller } = link.terms
  const admits = AgentLink.admission(link, yield* Clock.Clock)
  const connection = yield* client.connect(agent, poller.pollerId, admits)
  yield* Effect.acquireRelease(
    Ref.set(link.connection, Option.some(connection)),
    () => Ref.set(link.connection, Option.none())
  )
  yield* link.isSuspect.open
  return connection
})

/** Waits until the connection breaks, or else somebody suspects the agent; whether it broke. */
const news = (link: AgentLink.AgentLink, connection: AgentConnection): Effect.Effect<boolean> =>
  Effect.callback((resume) => {
    let stops: ReadonlyArray<() => void> = []
    const stop = () => stops.forEach((one) => one())
    const tell = (wasLost: boolean) => {
      stop()
      resume(Effect.succeed(wasLost))
    }
    stops = [connection.lost.whenOpen(() => tell(true)), link.isSuspect.whenOpen(() => tell(false))]
    return Effect.sync(stop)
  })

const lookFor = Effect.fnUntraced(function*(link: AgentLink.AgentLink, wasLost: boolean) {
  yield* link.isSuspect.close
  if (wasLost) {
    yield* AgentLink.forgetSequences(link)
    yield* noteLoss(link)
    yield* leaveAlone(link)
    yield* letBe(link)
  }
  const probe = AgentLink.throughCircuits(link, (one) => one.probe(probeTimeout))
  yield* inTurn(link, probe).pipe(
    Effect.tapError((error) => Effect.andThen(noteAbsent(link, error), link.isKnown.open)),
    Effect.retry(betweenProbes),
    // The schedule has no end, which its type cannot say.
    Effect.orDie
  )
  yield* Metric.update(PollerMetrics.agentConnections, 1)
  const absence = yield* Ref.getAndSet(link.absence, Option.none())
  yield* link.isKnown.open
  const isRestarted = !endsOften(link) || (yield* wasAway(link))
  if (Option.isSome(absence)) {
    yield* noteReturn(link)
    yield* Effect.logInfo(`agent ${link.terms.agent.agentId} is back`)
  }
  // A connection that broke and is whole again: the agent was restarted, and may have changed.
  if (Option.isNone(absence) && !wasLost) return
  yield* link.isSuspect.close
  link.presence.fruitless += 1
  if (isRestarted) yield* AgentLink.beginAnew(link)
})

const noteLoss = Effect.fnUntraced(function*({ presence, terms: { pollInterval } }: AgentLink.AgentLink) {
  const now = yield* Monotonic.millis
  const { lostMillis = -Infinity } = presence
  const isNext = now - lostMillis <= Duration.toMillis(apart) + 2 * Duration.toMillis(pollInterval)
  presence.losses = isNext ? presence.losses + 1 : 1
  presence.lostMillis = now
})

const endsOften = ({ presence }: AgentLink.AgentLink): boolean => presence.losses > restartsMax

const wasAway = ({ presence: { absentSinceMillis } }: AgentLink.AgentLink) =>
  Effect.map(
    Monotonic.millis,
    (now) => absentSinceMillis !== undefined && now - absentSinceMillis >= Duration.toMillis(awayMin)
  )

/** Its polls make the next connection themselves; a probe would only make one more that ends. */
const letBe = Effect.fnUntraced(function*(link: AgentLink.AgentLink) {
  if (!endsOften(link)) return
  const pause = Backoff.delay(betweenRounds, link.presence.losses - restartsMax - 1, yield* Random.next)
  yield* Effect.timeoutOption(link.isSuspect.await, pause)
  yield* link.isSuspect.close
})

const leaveAlone = Effect.fnUntraced(function*(link: AgentLink.AgentLink) {
  const more = link.presence.fruitless - fruitlessMax
  if (more < 0) return
  const { agentId } = link.terms.agent
  const detail = "its connection breaks whenever its checks are asked for"
  yield* noteAbsent(link, new AgentError({ agentId, reason: new Unreachable({ detail }) }))
  yield* Effect.sleep(Backoff.delay(betweenRounds, more, yield* Random.next))
})

const inTurn = Effect.fnUntraced(function*<A, E, R>(link: AgentLink.AgentLink, attempt: Effect.Effect<A, E, R>) {
  if (Option.isNone(link.turns)) return yield* attempt
  const hasTurn = new Gate()
  const isOver = new Gate()
  const turn = Effect.andThen(hasTurn.open, Effect.timeoutOption(isOver.await, turnMax))
  yield* Effect.forkChild(link.turns.value.withPermit(turn))
  yield* hasTurn.await
  return yield* Effect.ensuring(attempt, isOver.open)
})

const noteAbsent = Effect.fnUntraced(function*(link: AgentLink.AgentLink, error: AgentError) {
  // The circuit speaks here, not the agent: nothing was learned.
  if (error.reason._tag === "NotAsked") return
  const before = yield* Ref.getAndSet(link.absence, Option.some(error))
  if (Option.isSome(before)) return
  link.presence.absentSinceMillis = yield* Monotonic.millis
  yield* Metric.update(PollerMetrics.agentFailures, 1)
  yield* Effect.logWarning(`${error.message} (${link.terms.agent.address}); trying again`)
  yield* AgentLink.beginAnew(link)
})

const noteReturn = Effect.fnUntraced(function*({ presence }: AgentLink.AgentLink) {
  const now = yield* Monotonic.millis
  presence.returnedMillis = now
  if (presence.absentSinceMillis === undefined) return
  yield* Metric.update(PollerMetrics.absenceSeconds, (now - presence.absentSinceMillis) / 1_000)
  presence.absentSinceMillis = undefined
})
