/**
 * What supervision costs: bytes of an idle child, start and stop of many, restarts, one_for_all, messages and calls. Where
 * `escript` is on PATH the same work is done on the BEAM, right after, and the table shows how many times as long (or
 * as big) ours is.
 *
 *   npm run bench -- supervision [--peer off]
 */
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as Queue from "effect/Queue"
import { spawnSync } from "node:child_process"
import { join } from "node:path"
import * as Actor from "../src/services/supervision/Actor.ts"
import * as Supervisor from "../src/services/supervision/Supervisor.ts"
import type { Row } from "./Table.ts"

const endless = { maxRestarts: 1_000_000_000, period: "1 millis" } as const

const seconds = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function*() {
    const beganAt = yield* Clock.monotonicTimeNanos
    yield* effect
    return Number((yield* Clock.monotonicTimeNanos) - beganAt) / 1e9
  })

const heapBytes = Effect.sync(() => {
  globalThis.gc?.()
  return process.memoryUsage().heapUsed
})

/** Starts children one after the other under a dynamic supervisor, then stops them with it. */
const many = (children: number) =>
  Effect.gen(function*() {
    const before = yield* heapBytes
    const { bytes, start, stopping } = yield* Effect.scoped(Effect.gen(function*() {
      const supervisor = yield* Supervisor.startDynamic<never>({ id: "dynamic", maxChildren: children })
      const start = yield* seconds(Effect.gen(function*() {
        for (let index = 0; index < children; index += 1) {
          yield* supervisor.startChild(Supervisor.child({ id: `${index}`, restart: "temporary", run: Effect.never }))
        }
      }))
      const bytes = ((yield* heapBytes) - before) / children
      return { start, bytes, stopping: yield* Clock.monotonicTimeNanos }
    }))
    return { start, stop: Number((yield* Clock.monotonicTimeNanos) - stopping) / 1e9, bytes }
  })

/** The same with a static supervisor, which starts its children in order and stops them in reverse. */
const manyStatic = (children: number) =>
  Effect.gen(function*() {
    const began = yield* Clock.monotonicTimeNanos
    const started = yield* Effect.scoped(Effect.gen(function*() {
      yield* Supervisor.start({
        id: "static",
        strategy: "one_for_one",
        children: Array.from(
          { length: children },
          (_, index) => Supervisor.child({ id: `${index}`, run: Effect.never })
        )
      })
      return yield* Clock.monotonicTimeNanos
    }))
    const stopped = yield* Clock.monotonicTimeNanos
    return { start: Number(started - began) / 1e9, stop: Number(stopped - started) / 1e9 }
  })

/** Microseconds for a call to an actor and its answer. */
const actorCall = (count: number) =>
  Effect.scoped(Effect.gen(function*() {
    const echo = yield* Actor.make({
      id: "echo",
      init: Effect.void,
      call: { ping: (_: void, state) => Effect.succeed(Actor.reply(undefined, state)) }
    })
    yield* Supervisor.start({ id: "root", strategy: "one_for_one", children: [echo] })
    return (yield* seconds(Effect.repeat(echo.call.ping(), { times: count - 1 }))) * 1e6 / count
  }))

const percentile = (values: ReadonlyArray<number>, share: number): number =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))] ?? Number.NaN

/** Microseconds from the end of a child to its next start, again and again. */
const restarts = (count: number) =>
  Effect.scoped(Effect.gen(function*() {
    const latencies: Array<number> = []
    const clock = yield* Clock.Clock
    const done = yield* Deferred.make<void>()
    let endedAt = 0n
    const crash = Effect.suspend(() => {
      endedAt = clock.monotonicTimeNanosUnsafe()
      return Effect.fail("down")
    })
    yield* Supervisor.start({
      id: "root",
      strategy: "one_for_one",
      intensity: endless,
      children: [
        Supervisor.child({
          id: "a",
          run: Effect.suspend(() => {
            if (endedAt > 0n) latencies.push(Number(clock.monotonicTimeNanosUnsafe() - endedAt) / 1000)
            if (latencies.length === count) return Effect.andThen(Deferred.succeed(done, undefined), Effect.never)
            return Effect.andThen(Effect.yieldNow, crash)
          })
        })
      ]
    })
    const total = yield* seconds(Deferred.await(done))
    return { perSecond: count / total, p50: percentile(latencies, 0.5), p99: percentile(latencies, 0.99) }
  }))

/** Seconds from the end of one child until all have been stopped and started again. */
const oneForAll = (children: number) =>
  Effect.scoped(Effect.gen(function*() {
    const down = yield* Deferred.make<never, string>()
    const up = yield* Deferred.make<void>()
    let starts = 0
    yield* Supervisor.start({
      id: "root",
      strategy: "one_for_all",
      children: Array.from({ length: children }, (_, index) =>
        Supervisor.child({
          id: `${index}`,
          run: Effect.suspend(() => {
            starts += 1
            if (starts === 2 * children) Deferred.doneUnsafe(up, Effect.void)
            return index === 0 && starts <= children ? Deferred.await(down) : Effect.never
          })
        }))
    })
    yield* Effect.yieldNow
    return yield* seconds(Effect.andThen(Deferred.fail(down, "down"), Deferred.await(up)))
  }))

/** Microseconds for a message to a child and its answer. */
const roundTrip = (count: number) =>
  Effect.scoped(Effect.gen(function*() {
    const mailbox = yield* Queue.bounded<Deferred.Deferred<void>>(16)
    yield* Supervisor.start({
      id: "root",
      strategy: "one_for_one",
      children: [
        Supervisor.child({
          id: "echo",
          run: Effect.forever(Effect.flatMap(Queue.take(mailbox), (reply) => Deferred.succeed(reply, undefined)))
        })
      ]
    })
    const ask = Effect.suspend(() => {
      const reply = Deferred.makeUnsafe<void>()
      return Effect.andThen(Queue.offer(mailbox, reply), Deferred.await(reply))
    })
    return (yield* seconds(Effect.repeat(ask, { times: count - 1 }))) * 1e6 / count
  }))

const last = <A>(rounds: number, effect: Effect.Effect<A, unknown>) => Effect.repeat(effect, { times: rounds - 1 })

const measures = Effect.gen(function*() {
  // The BEAM compiles before it runs, V8 while it runs: without warming up this would time the compiler.
  const rounds = yield* Effect.forEach(Array.from({ length: 15 }), () => many(1000))
  const few = {
    start: percentile(rounds.slice(5).map(({ start }) => start), 0.5),
    stop: percentile(rounds.slice(5).map(({ stop }) => stop), 0.5)
  }
  const lots = yield* many(100_000)
  const fixed = yield* last(2, manyStatic(100_000))
  const restart = yield* last(2, restarts(20_000))
  return {
    bytes_per_child: lots.bytes,
    start_1000_s: few.start,
    stop_1000_s: few.stop,
    start_100000_s: lots.start,
    stop_100000_s: lots.stop,
    restarts_per_s: restart.perSecond,
    restart_p50_us: restart.p50,
    restart_p99_us: restart.p99,
    one_for_all_1000_s: yield* last(10, oneForAll(1000)),
    one_for_all_100000_s: yield* last(2, oneForAll(100_000)),
    round_trip_us: yield* last(2, roundTrip(200_000)),
    actor_call_us: yield* last(2, actorCall(200_000)),
    static_start_100000_s: fixed.start,
    static_stop_100000_s: fixed.stop
  }
})

type Measures = Effect.Success<typeof measures>

/** How each measure is shown, and whether more of it is better. */
const shown: Record<
  keyof Measures,
  { readonly what: string; readonly unit: string; readonly scale?: number; readonly isRate?: boolean }
> = {
  bytes_per_child: { what: "Idle child", unit: "bytes" },
  start_1000_s: { what: "Start 1,000 children", unit: "ms", scale: 1000 },
  stop_1000_s: { what: "Stop 1,000 children", unit: "ms", scale: 1000 },
  start_100000_s: { what: "Start 100,000 children", unit: "ms", scale: 1000 },
  stop_100000_s: { what: "Stop 100,000 children", unit: "ms", scale: 1000 },
  restarts_per_s: { what: "Restarts", unit: "per s", isRate: true },
  restart_p50_us: { what: "Exit to restarted, p50", unit: "us" },
  restart_p99_us: { what: "Exit to restarted, p99", unit: "us" },
  one_for_all_1000_s: { what: "one_for_all of 1,000", unit: "ms", scale: 1000 },
  one_for_all_100000_s: { what: "one_for_all of 100,000", unit: "ms", scale: 1000 },
  round_trip_us: { what: "Round trip through a Queue and a Deferred", unit: "us" },
  actor_call_us: { what: "Call of an actor (gen_server:call)", unit: "us" },
  static_start_100000_s: { what: "Start 100,000 static children", unit: "ms", scale: 1000 },
  static_stop_100000_s: { what: "Stop 100,000 static children", unit: "ms", scale: 1000 }
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null

const beam = { command: "escript", script: join(import.meta.dirname, "peers", "supervision.erl") }

/** The same on the BEAM; undefined where there is none. */
const peer = (): Record<string, unknown> | undefined => {
  const { status, stdout } = spawnSync(beam.command, [beam.script], { encoding: "utf8", timeout: 120_000 })
  if (status !== 0) return undefined
  const answer: unknown = JSON.parse(stdout)
  return isRecord(answer) ? answer : undefined
}

const rowsOf = (
  { isRate = false, scale = 1, unit, what }: (typeof shown)[keyof Measures],
  ours: number,
  theirs: unknown
): ReadonlyArray<Row> => {
  const row = { what, value: ours * scale, unit }
  if (typeof theirs !== "number") return [row]
  const times = isRate ? theirs / ours : ours / theirs
  return [row, { what: "  on the BEAM", value: theirs * scale, unit }, {
    what: "  times the BEAM's (below 1 is better)",
    value: times,
    unit: "x"
  }]
}

export const run = async (options: ReadonlyMap<string, string>) => {
  const ours = await Effect.runPromise(Effect.provide(measures, Logger.layer([])))
  const theirs = options.get("peer") === "off" ? undefined : peer()
  const linearity = {
    start_ratio_per_child: ours.start_100000_s / 100 / ours.start_1000_s,
    stop_ratio_per_child: ours.stop_100000_s / 100 / ours.stop_1000_s,
    static_start_ratio: ours.static_start_100000_s / ours.start_100000_s,
    static_stop_ratio: ours.static_stop_100000_s / ours.stop_100000_s,
    restart_ratio_per_child: ours.one_for_all_100000_s / 100 / ours.one_for_all_1000_s
  }
  const rows: Array<Row> = Object.entries(shown).flatMap(([key, show]) =>
    rowsOf(show, new Map(Object.entries(ours)).get(key) ?? Number.NaN, theirs?.[key])
  )
  rows.push(
    { what: "Start: time per child at 100,000 / at 1,000", value: linearity.start_ratio_per_child, unit: "x" },
    { what: "Stop: time per child at 100,000 / at 1,000", value: linearity.stop_ratio_per_child, unit: "x" },
    { what: "one_for_all: time per child at 100,000 / at 1,000", value: linearity.restart_ratio_per_child, unit: "x" },
    { what: "Start: 100,000 static / dynamic children", value: linearity.static_start_ratio, unit: "x" },
    { what: "Stop: 100,000 static / dynamic children", value: linearity.static_stop_ratio, unit: "x" }
  )
  return { rows, result: { ...ours, ...linearity, ...(theirs === undefined ? {} : { beam: theirs }) } }
}
