import { assert, describe, it } from "@effect/vitest"
import { Clock, Duration, Effect, Fiber, Layer, Logger, Metric, Option, Ref, References } from "effect"
import { TestClock } from "effect/testing"
import * as MemoryStatusBuffer from "../../../src/services/poller/buffer/MemoryStatusBuffer.ts"
import { StatusBuffer } from "../../../src/services/poller/buffer/StatusBuffer.ts"
import { CoreAway, CoreClient, CoreError, ReportRejected } from "../../../src/services/poller/CoreClient.ts"
import { CoreReporter, type Options } from "../../../src/services/poller/CoreReporter.ts"
import { HostIdentity } from "../../../src/services/poller/HostIdentity.ts"
import * as PollerMetrics from "../../../src/services/poller/PollerMetrics.ts"
import * as WallClock from "../../support/WallClock.ts"
import { agent, check, poller, status } from "./statuses.ts"

interface Received {
  readonly atMillis: number
  readonly names: ReadonlyArray<string>
  readonly isStream: boolean
}

class FakeCore {
  /** One that does not takes each report for the whole poller. */
  readonly takesParts: boolean
  /** How long a report takes. */
  takes: Duration.Duration

  constructor(options: { readonly takesParts?: boolean; readonly takes?: Duration.Duration } = {}) {
    this.takesParts = options.takesParts ?? true
    this.takes = options.takes ?? Duration.zero
  }

  readonly received = Ref.makeUnsafe<ReadonlyArray<Received>>([])
  readonly failure = Ref.makeUnsafe<CoreError | undefined>(undefined)

  /** A report with a status of this name is refused. */
  readonly poison = Ref.makeUnsafe("")

  readonly away = Ref.set(this.failure, new CoreError({ address: "core:1", reason: new CoreAway({ detail: "gone" }) }))
  readonly back = Ref.set(this.failure, undefined)

  private readonly take = (names: ReadonlyArray<string>, isStream: boolean) =>
    Effect.gen({ self: this }, function*() {
      const failure = yield* Ref.get(this.failure)
      if (failure !== undefined) return yield* failure
      if (!Duration.isZero(this.takes)) yield* Effect.sleep(this.takes)
      if (names.includes(yield* Ref.get(this.poison))) {
        return yield* new CoreError({ address: "core:1", reason: new ReportRejected({ detail: "poison" }) })
      }
      const atMillis = yield* Clock.currentTimeMillis
      yield* Ref.update(this.received, (before) => [...before, { atMillis, names, isStream }])
      return { takesParts: this.takesParts }
    })

  readonly layer = Layer.succeed(CoreClient, {
    losses: Effect.succeed(0),
    takesParts: Effect.flatMap(
      Ref.get(this.failure),
      (failure) => failure?.reason._tag === "CoreAway" ? Effect.fail(failure) : Effect.succeed(this.takesParts)
    ),
    report: (_, statuses) => this.take(statuses.map((one) => one.serviceName), false),
    stream: (_, chunks) => this.take(Array.from(chunks, ({ status }) => status.serviceName), true)
  })
}

const options: Options = {
  poller,
  pollInterval: Duration.minutes(1),
  expected: new Map()
}

const report = Effect.fnUntraced(function*(
  name: string,
  extra: { isUrgent?: boolean; bytes?: number; settled?: (isDelivered: boolean) => Effect.Effect<void> } = {}
) {
  const reporter = yield* CoreReporter
  yield* reporter.report({
    key: name,
    status: status(name, { bytes: extra.bytes ?? 2 }),
    measuredAtMillis: yield* Clock.currentTimeMillis,
    isUrgent: extra.isUrgent ?? false,
    settled: extra.settled ?? (() => Effect.void)
  })
})

const names = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => `s${from + index}`)

const withReporter = <A, E>(
  test: (core: FakeCore) => Effect.Effect<A, E, CoreReporter>,
  overrides: Partial<Options> = {},
  core = new FakeCore(),
  limits: MemoryStatusBuffer.Options = {}
) =>
  Effect.suspend(() => {
    return test(core).pipe(
      Effect.provide(
        CoreReporter.layer({ ...options, ...overrides }).pipe(
          Layer.provide([
            core.layer,
            HostIdentity.layerStatic("192.0.2.1"),
            MemoryStatusBuffer.layer(limits)
          ])
        )
      ),
      Effect.provideService(Metric.MetricRegistry, new Map())
    )
  })

const start = Effect.flatMap(CoreReporter, ({ run }) => Effect.forkChild(run, { startImmediately: true }))

describe("CoreReporter", () => {
  it.effect("sends a batch when its oldest status has waited 5 s", () =>
    withReporter((core) =>
      Effect.gen(function*() {
        yield* start
        yield* report("s0")
        yield* TestClock.adjust("4 seconds")
        yield* report("s1")
        const early = yield* Ref.get(core.received)
        yield* TestClock.adjust("1 second")

        assert.deepStrictEqual(early, [])
        assert.deepStrictEqual(yield* Ref.get(core.received), [
          { atMillis: 5_000, names: ["s0", "s1"], isStream: false }
        ])
      })
    ))

  it.effect("sends at once, in batches of 100, when so many wait", () =>
    withReporter((core) =>
      Effect.gen(function*() {
        yield* start
        yield* Effect.forEach(names(0, 250), (name) => report(name))
        yield* TestClock.adjust("100 millis")

        const received = yield* Ref.get(core.received)
        assert.deepStrictEqual(received.map((one) => one.names.length), [100, 100, 50])
        assert.deepStrictEqual(received.flatMap((one) => one.names), names(0, 250))
      })
    ))

  it.effect("does not let an urgent status wait", () =>
    withReporter((core) =>
      Effect.gen(function*() {
        yield* start
        yield* report("s0", { isUrgent: true })
        yield* TestClock.adjust("50 millis")

        assert.strictEqual((yield* Ref.get(core.received)).length, 1)
      })
    ))

  it.effect("streams a batch above 1 MiB", () =>
    withReporter((core) =>
      Effect.gen(function*() {
        yield* start
        yield* report("large", { bytes: 2_000_000, isUrgent: true })
        yield* TestClock.adjust("1 second")

        assert.deepStrictEqual((yield* Ref.get(core.received)).map((one) => one.isStream), [true])
      })
    ))

  it.effect("delivers in order what was measured while core was away, within 3 s of its return", () =>
    withReporter((core) =>
      Effect.gen(function*() {
        yield* core.away
        yield* start
        for (const name of names(0, 20)) {
          yield* report(name, { isUrgent: true })
          yield* TestClock.adjust("30 seconds")
        }
        yield* core.back
        yield* TestClock.adjust("3 seconds")

        const received = (yield* Ref.get(core.received)).flatMap((one) => one.names)
        assert.deepStrictEqual(received, names(0, 20))
      })
    ))

  it.effect("drops the oldest when the buffer is full, counts them and says so to who reported", () =>
    withReporter(
      (core) =>
        Effect.gen(function*() {
          const settled: Array<readonly [string, boolean]> = []
          yield* core.away
          for (const name of names(0, 5)) {
            yield* report(name, { settled: (isDelivered) => Effect.sync(() => void settled.push([name, isDelivered])) })
          }
          yield* core.back
          yield* start
          yield* TestClock.adjust("10 seconds")

          assert.deepStrictEqual(settled, [
            ["s0", false],
            ["s1", false],
            ["s2", true],
            ["s3", true],
            ["s4", true]
          ])
          const dropped = Metric.withAttributes(PollerMetrics.reportsDropped, { reason: "full" })
          assert.strictEqual((yield* Metric.value(dropped)).count, 2)
        }),
      {},
      undefined,
      { entriesMax: 3 }
    ))

  it.effect("gives up what core rejects, and goes on with the next", () =>
    withReporter((core) =>
      Effect.gen(function*() {
        yield* Ref.set(
          core.failure,
          new CoreError({ address: "core:1", reason: new ReportRejected({ detail: "no poller_id" }) })
        )
        yield* start
        yield* report("bad", { isUrgent: true })
        yield* TestClock.adjust("1 second")
        yield* core.back
        yield* report("good", { isUrgent: true })
        yield* TestClock.adjust("1 second")

        assert.deepStrictEqual((yield* Ref.get(core.received)).map((one) => one.names), [["good"]])
      })
    ))

  it.effect("gives up the one status that core refuses, not those measured with it, and says so once", () =>
    withReporter((core) =>
      Effect.gen(function*() {
        const settled: Array<string> = []
        const lines: Array<unknown> = []
        yield* Ref.set(core.poison, "s3")
        yield* start.pipe(Effect.provide(Logger.layer([Logger.make(({ message }) => lines.push(message))])))
        for (let round = 0; round < 3; round++) {
          yield* Effect.forEach(names(0, 8), (name) =>
            report(name, {
              isUrgent: true,
              settled: (isDelivered) => Effect.sync(() => void settled.push(`${name} ${isDelivered}`))
            }))
          yield* TestClock.adjust("1 second")
        }

        const others = names(0, 8).filter((name) => name !== "s3")
        assert.deepStrictEqual(
          (yield* Ref.get(core.received)).flatMap((one) => one.names),
          [...others, ...others, ...others]
        )
        assert.strictEqual(settled.filter((one) => one === "s3 false").length, 3)
        assert.strictEqual(settled.filter((one) => one.endsWith("true")).length, 21)
        assert.lengthOf(lines, 1)
        assert.include(String(lines[0]), "\"s3\" of agent")
      })
    ))

  it.effect("takes ten seconds without a core for its start, and whatever comes later for a fault", () =>
    withReporter((core) =>
      Effect.gen(function*() {
        const lines: Array<string> = []
        const logger = Logger.make(({ logLevel, message }) => lines.push(`${logLevel} ${String(message)}`))
        yield* Effect.gen(function*() {
          yield* core.away
          yield* start
          yield* report("s0", { isUrgent: true })
          yield* TestClock.adjust("9 seconds")
          const early = [...lines]
          yield* TestClock.adjust("1 minute")
          const late = lines.slice(early.length)
          yield* core.back
          yield* TestClock.adjust("5 seconds")
          yield* core.away
          yield* report("s1", { isUrgent: true })
          yield* TestClock.adjust("1 second")

          const waits = "core at core:1: CoreAway: gone; reports wait in the buffer"
          assert.deepStrictEqual(early, [`Info ${waits}`])
          assert.deepStrictEqual(late, [`Warn ${waits}`])
          assert.deepStrictEqual(lines.slice(2), ["Info core is there; 1 statuses were waiting", `Warn ${waits}`])
          // It drains at its end.
          yield* core.back
          yield* TestClock.adjust("5 seconds")
        }).pipe(Effect.provide(Logger.layer([logger])))
      })
    ))

  it.effect("says why core takes nothing, until it does", () =>
    withReporter((core) =>
      Effect.gen(function*() {
        const { trouble } = yield* CoreReporter
        yield* start
        const before = yield* trouble
        yield* core.away
        yield* report("s0", { isUrgent: true })
        yield* TestClock.adjust("1 second")
        const during = yield* trouble
        yield* core.back
        yield* TestClock.adjust("3 seconds")

        assert.deepStrictEqual([before, during, yield* trouble], [
          Option.none(),
          Option.some("core at core:1: CoreAway: gone"),
          Option.none()
        ])
      }).pipe(Effect.provideService(References.MinimumLogLevel, "None"))
    ))

  it.effect("sends what is left when it is stopped", () =>
    withReporter((core) =>
      Effect.gen(function*() {
        const fiber = yield* start
        yield* report("s0")
        yield* Fiber.interrupt(fiber)

        assert.deepStrictEqual((yield* Ref.get(core.received)).map((one) => one.names), [["s0"]])
      })
    ))

  it.effect("leaves what is in a folder to its successor; a core that takes the whole hears of it once more", () => {
    const core = new FakeCore({ takesParts: false })
    const polled = agent("agent-1", "192.0.2.9:50051", [check("s0")])
    const inFolder = Layer.effect(
      StatusBuffer,
      Effect.map(StatusBuffer, (buffer) => ({ ...buffer, folder: Effect.succeedSome("/folder") }))
    ).pipe(Layer.provide(MemoryStatusBuffer.layer()))
    return Effect.gen(function*() {
      const { pending } = yield* CoreReporter
      const fiber = yield* start
      yield* report("s0")
      yield* TestClock.adjust("1 minute")
      const before = (yield* Ref.get(core.received)).length
      yield* report("s0")
      yield* Fiber.interrupt(fiber)

      const after = (yield* Ref.get(core.received)).slice(before).map(({ names }) => names)
      assert.deepStrictEqual(after, [["s0"]])
      assert.strictEqual(yield* pending, 1)
    }).pipe(
      Effect.provide(
        CoreReporter.layer({
          ...options,
          expected: new Map([["s0", { agent: polled, check: check("s0") }]]),
          hasSuccessor: Effect.succeed(true)
        }).pipe(Layer.provide([core.layer, HostIdentity.layerStatic("192.0.2.1"), inFolder]))
      ),
      Effect.provideService(Metric.MetricRegistry, new Map())
    )
  })

  it.effect("stops within its time when core is away", () =>
    withReporter((core) =>
      Effect.gen(function*() {
        yield* core.away
        const fiber = yield* start
        yield* report("s0")
        const stopping = yield* Effect.forkChild(Fiber.interrupt(fiber))
        yield* TestClock.adjust("9 seconds")
        yield* Fiber.join(stopping)
        const { pending } = yield* CoreReporter

        assert.strictEqual(yield* pending, 1)
      })
    ))

  it.effect("goes on with the same batch after a restart", () =>
    withReporter((core) =>
      Effect.gen(function*() {
        yield* core.away
        const first = yield* start
        yield* report("s0", { isUrgent: true })
        yield* TestClock.adjust("1 second")
        const stopping = yield* Effect.forkChild(Fiber.interrupt(first))
        yield* TestClock.adjust("9 seconds")
        yield* Fiber.join(stopping)
        yield* core.back
        yield* start
        yield* report("s1", { isUrgent: true })
        yield* TestClock.adjust("1 second")

        assert.deepStrictEqual((yield* Ref.get(core.received)).map((one) => one.names), [["s0"], ["s1"]])
      })
    ))

  it.effect("sends a heartbeat when there is nothing to report", () =>
    withReporter((core) =>
      Effect.gen(function*() {
        yield* start
        yield* TestClock.adjust("2 minutes")

        assert.deepStrictEqual((yield* Ref.get(core.received)).map((one) => one.names), [[], []])
      })
    ))

  it.effect("reports the whole once for what waits, however much is measured while core takes it", () => {
    const checks = names(0, 10)
    const expected = new Map(checks.map((name) => {
      const one = check(name)
      return [name, { agent: agent("agent-1", "agent:1", [one]), check: one }] as const
    }))
    return withReporter(
      (core) =>
        Effect.gen(function*() {
          yield* start
          for (let tick = 0; tick < 100; tick++) {
            yield* report(checks[tick % checks.length] ?? "")
            yield* TestClock.adjust("100 millis")
          }

          // The time of the test stands still from here, and what is left is brought to core at the end.
          core.takes = Duration.zero
          const received = yield* Ref.get(core.received)
          assert.isAtLeast(received.length, 5)
          // Each second all have been measured again.
          assert.isAtMost(received.length, 11)
          // The first goes twice: by a stream, which makes the poller known, and as it is.
          assert.deepStrictEqual(received.slice(1).filter((one) => one.names.length !== checks.length), [])
        }),
      { expected, pollInterval: Duration.seconds(1) },
      new FakeCore({ takesParts: false, takes: Duration.millis(150) })
    )
  })

  const expectedOf = (...names: ReadonlyArray<string>) => {
    const polled = agent("agent-1", "agent:1", [])
    return new Map(names.map((name) => [name, { agent: polled, check: check(name) }]))
  }

  it.effect("joins what is urgent within 5 s of a report for the whole poller, and brings the cycle's none the later", () =>
    withReporter(
      (core) =>
        Effect.gen(function*() {
          yield* start
          yield* Effect.forEach(names(0, 40), (name) => report(name, { isUrgent: true }))
          yield* TestClock.adjust("6 seconds")
          const before = (yield* Ref.get(core.received)).length
          // One after the other goes down, and one turns with each poll.
          for (let tick = 0; tick < 20; tick++) {
            yield* report(`s${tick}`, { isUrgent: true })
            yield* report("s39", { isUrgent: true })
            yield* TestClock.adjust("100 millis")
          }
          yield* TestClock.adjust("6 seconds")
          const outage = (yield* Ref.get(core.received)).slice(before)

          assert.lengthOf(outage, 2)
          assert.deepStrictEqual(outage.map((one) => one.names.length), [40, 40])
          const [first, second] = outage
          assert.isAtLeast((second?.atMillis ?? 0) - (first?.atMillis ?? 0), 5_000)
          yield* TestClock.adjust("1 minute")
          assert.lengthOf((yield* Ref.get(core.received)).slice(before), 3)
        }),
      { expected: expectedOf(...names(0, 40)) },
      new FakeCore({ takesParts: false })
    ))

  it.effect("replays nothing of what turned again and again while a state was unknown", () =>
    withReporter(
      (core) =>
        Effect.gen(function*() {
          yield* start
          for (let tick = 0; tick < 40; tick++) {
            yield* report("turning", { isUrgent: true })
            yield* TestClock.adjust("500 millis")
          }
          const before = yield* Ref.get(core.received)
          yield* report("slow")
          yield* TestClock.adjust("1 second")

          assert.deepStrictEqual(before, [])
          assert.deepStrictEqual((yield* Ref.get(core.received)).map((one) => one.names.toSorted()), [[
            "slow",
            "turning"
          ]])
        }),
      { expected: expectedOf("turning", "slow") },
      new FakeCore({ takesParts: false })
    ))

  it.effect("shows every check in the first report, also one whose answer is too large for it", () =>
    withReporter(
      (core) =>
        Effect.gen(function*() {
          yield* start
          yield* Effect.forEach(names(0, 3), (name) => report(name))
          yield* report("large", { bytes: 3_300_000 })
          yield* TestClock.adjust("2 seconds")
          const distinct = (yield* Ref.get(core.received)).map((one) => [...new Set(one.names)].toSorted())

          assert.isAtLeast(distinct.length, 2)
          for (const shown of distinct) assert.deepStrictEqual(shown, ["large", "s0", "s1", "s2"])
          // The whole answer, in two slices.
          assert.lengthOf((yield* Ref.get(core.received)).at(-1)?.names ?? [], 5)
        }),
      { expected: expectedOf("s0", "s1", "s2", "large") },
      new FakeCore({ takesParts: false })
    ))

  it.effect("keeps its cycle when the clock is set back by an hour, while a check hangs", () =>
    Effect.gen(function*() {
      const wall = yield* WallClock.settable
      const expected = new Map(["s0", "hanging"].map((name) => {
        const one = check(name)
        return [name, { agent: agent("agent-1", "agent:1", [one]), check: one }] as const
      }))
      yield* withReporter(
        (core) =>
          Effect.gen(function*() {
            const reports = Effect.map(Ref.get(core.received), ({ length }) => length)
            const cycles = (count: number) =>
              Effect.repeat(Effect.andThen(report("s0"), TestClock.adjust("1 minute")), { times: count - 1 })
            yield* start
            yield* cycles(3)
            const before = yield* reports
            yield* wall.set(-3_600_000)
            yield* cycles(3)

            assert.isAtLeast(before, 2)
            assert.strictEqual((yield* reports) - before, 3)
          }),
        { expected },
        new FakeCore({ takesParts: false })
      ).pipe(Effect.provideService(Clock.Clock, wall.clock))
    }))

  it.effect("joins what is urgent within 5 s of a report to a core that takes each report for the whole", () => {
    const names = Array.from({ length: 6 }, (_, index) => `s${index}`)
    const expected = new Map(names.map((name) => {
      const one = check(name)
      return [name, { agent: agent("agent-1", "agent:1", [one]), check: one }] as const
    }))
    return withReporter(
      (core) =>
        Effect.gen(function*() {
          const reports = Effect.map(Ref.get(core.received), ({ length }) => length)
          yield* start
          yield* Effect.forEach(names, (name) => report(name))
          yield* TestClock.adjust("1 second")
          const first = yield* reports
          yield* Effect.forEach(names, (name) =>
            Effect.andThen(report(name, { isUrgent: true }), TestClock.adjust("500 millis")))
          const joined = (yield* reports) - first
          yield* TestClock.adjust("3 seconds")

          assert.isAtLeast(first, 1)
          assert.strictEqual(joined, 0)
          assert.strictEqual((yield* reports) - first, 1)
        }),
      { expected },
      new FakeCore({ takesParts: false })
    )
  })

  it.effect("tells a core that takes each report for the whole nothing more of checks that are gone, and all of new ones", () => {
    const polled = agent("agent-1", "192.0.2.9:50051", [])
    const expectedOf = (...names: ReadonlyArray<string>) =>
      new Map(names.map((name) => [name, { agent: polled, check: check(name) }]))
    return withReporter(
      (core) =>
        Effect.gen(function*() {
          const reporter = yield* CoreReporter
          const cycle = (...names: ReadonlyArray<string>) =>
            Effect.andThen(Effect.forEach(names, (name) => report(name)), TestClock.adjust("1 minute"))
          const last = Effect.map(Ref.get(core.received), (all) => all.at(-1)?.names.toSorted())
          yield* start
          yield* cycle("s0", "s1")
          const before = yield* last
          // One status of the check that goes is on its way.
          yield* report("s1")
          yield* reporter.reconfigure({ ...options, expected: expectedOf("s0", "s2") }, new Set(["s1"]))
          yield* cycle("s0")
          yield* cycle("s0")
          const unanswered = yield* last
          yield* cycle("s0", "s2")
          const after = yield* last
          yield* reporter.reconfigure({ ...options, expected: expectedOf("s0", "s1") }, new Set(["s2"]))
          yield* cycle("s0", "s1")

          assert.deepStrictEqual([before, unanswered, after, yield* last], [
            ["s0", "s1"],
            ["s0", "s2"],
            ["s0", "s2"],
            ["s0", "s1"]
          ])
        }),
      { expected: expectedOf("s0", "s1") },
      new FakeCore({ takesParts: false })
    )
  })
})
