import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Layer, Logger, Option, SubscriptionRef } from "effect"
import { TestClock } from "effect/testing"
import type { BlockFindings } from "../../../../src/domain/agent/sweep/SweepFindings.ts"
import * as SweepReport from "../../../../src/domain/agent/sweep/SweepReport.ts"
import * as SweepSettings from "../../../../src/domain/agent/sweep/SweepSettings.ts"
import * as TargetPolicy from "../../../../src/domain/monitoring/checks/TargetPolicy.ts"
import { Sweeper } from "../../../../src/services/agent/sweep/Sweeper.ts"
import { ScanFailed, SweepScanner } from "../../../../src/services/agent/sweep/SweepScanner.ts"
import { type Kept, SweepState, SweepStateError } from "../../../../src/services/agent/sweep/SweepState.ts"
import * as SweepTurns from "../../../../src/services/agent/sweep/SweepTurns.ts"

const settings = SweepSettings.merge({ networks: ["10.0.0.0/25"], ports: [22], modes: ["tcp"] })

const toldOf = (told: Option.Option<SweepSettings.PartialSettings>) => SubscriptionRef.make(told)

/** A state that outlasts the sweepers of a test, as a disk does. */
const disk = () => {
  let running: { plan: string; blocks: Array<BlockFindings> } | undefined
  let last: { plan: string; blocks: ReadonlyArray<BlockFindings>; sequence: number } | undefined
  return Layer.succeed(SweepState, {
    load: (plan) =>
      Effect.sync((): Kept => ({
        sequence: last?.sequence,
        completed: last?.plan === plan ? last.blocks : [],
        interrupted: running?.plan === plan ? running.blocks : [],
        unreadable: []
      })),
    begin: (plan, goesOn) =>
      Effect.sync(() => {
        if (!goesOn) running = { plan, blocks: [] }
      }),
    add: (block) => Effect.sync(() => void running?.blocks.push(block)),
    complete: (sequence) =>
      Effect.sync(() => {
        last = { plan: running?.plan ?? "", blocks: running?.blocks ?? [], sequence }
        running = undefined
      })
  })
}

/** Has port 22 of every host open; `answers` says when a block is done, by the number of blocks before it. */
const scanner = (asked: Array<string>, answers: (count: number) => Effect.Effect<void, ScanFailed>) =>
  Layer.succeed(SweepScanner, {
    open: () =>
      Effect.succeed({
        icmpBy: "",
        scan: (hosts) =>
          Effect.suspend(() => {
            const count = asked.length
            asked.push(hosts[0]?.address ?? "")
            return Effect.as(answers(count), {
              open: hosts.map((_, host) => [host, 22, 1000] as const),
              pings: [],
              refused: 0,
              silent: 0,
              unreachable: 0
            })
          })
      })
  })

const start = Effect.fnUntraced(function*(
  state: Layer.Layer<SweepState>,
  scan: Layer.Layer<SweepScanner>,
  told: SubscriptionRef.SubscriptionRef<Option.Option<SweepSettings.PartialSettings>>
) {
  const context = yield* Layer.build(
    Sweeper.layer({ policy: TargetPolicy.fromBlock(), file: Effect.succeedNone, told }).pipe(
      Layer.provide(state),
      Layer.provideMerge(scan)
    )
  )
  const sweeper = yield* Effect.provide(Sweeper, context)
  const fiber = yield* Effect.forkScoped(Effect.provide(sweeper.run, context))
  yield* TestClock.adjust("1 millis")
  return { ...sweeper, fiber }
})

const hostsOf = (last: Option.Option<SweepReport.Layout>): number =>
  Option.match(last, { onNone: () => 0, onSome: ({ findings }) => findings.hosts })

/** A sweep that ended after three of its blocks. */
const interrupted = Effect.gen(function*() {
  const state = disk()
  const asked: Array<string> = []
  const told = yield* toldOf(Option.some(settings))
  const first = yield* start(state, scanner(asked, (count) => count < 3 ? Effect.void : Effect.never), told)
  yield* Fiber.interrupt(first.fiber)
  return { state, asked, told }
})

describe("Sweeper", () => {
  it.effect("sweeps at once and then on its interval, with a new sequence for each sweep", () =>
    Effect.gen(function*() {
      const asked: Array<string> = []
      const told = yield* toldOf(Option.some(settings))
      const { snapshot } = yield* start(disk(), scanner(asked, () => Effect.void), told)

      const first = yield* snapshot
      yield* TestClock.adjust("299 seconds")
      const before = yield* snapshot
      yield* TestClock.adjust("2 seconds")
      const second = yield* snapshot

      assert.strictEqual(hostsOf(first.last), 126)
      assert.strictEqual(before.sequence, first.sequence)
      assert.strictEqual(second.sequence, first.sequence + 1)
    }))

  it.effect("shows the last whole sweep while another one runs, and how far that is", () =>
    Effect.gen(function*() {
      const asked: Array<string> = []
      const gate = yield* Deferred.make<void>()
      const told = yield* toldOf(Option.some(settings))
      // The first sweep has 8 blocks, and of the second three are done.
      const scan = scanner(asked, (count) => count < 11 ? Effect.void : Deferred.await(gate))
      const { snapshot } = yield* start(disk(), scan, told)
      yield* TestClock.adjust("5 minutes")

      const { last, progress, sequence } = yield* snapshot
      yield* Deferred.succeed(gate, undefined)
      yield* TestClock.adjust("1 millis")
      const after = yield* snapshot

      assert.strictEqual(hostsOf(last), 126)
      assert.deepStrictEqual(progress, Option.some({ totalHosts: 126, doneHosts: 48 }))
      assert.strictEqual(after.sequence, sequence + 1)
      assert.deepStrictEqual(after.progress, Option.none())
    }))

  it.effect("goes on where it was interrupted, also in the next life of the agent, and sweeps no block twice", () =>
    Effect.gen(function*() {
      const { asked, state, told } = yield* interrupted
      const done = asked.slice(0, 3)
      asked.length = 0

      const second = yield* start(state, scanner(asked, () => Effect.void), told)

      assert.strictEqual(hostsOf((yield* second.snapshot).last), 126)
      assert.strictEqual(asked.length, 5)
      assert.isFalse(done.some((host) => asked.includes(host)))
    }))

  it.effect("begins anew when it was interrupted more than a day ago", () =>
    Effect.gen(function*() {
      const { asked, state, told } = yield* interrupted
      asked.length = 0
      yield* TestClock.adjust("25 hours")

      yield* start(state, scanner(asked, () => Effect.void), told)

      assert.strictEqual(asked.length, 8)
    }))

  it.effect("has after a restart the sweep and the sequence that it had before", () =>
    Effect.gen(function*() {
      const state = disk()
      const told = yield* toldOf(Option.some(settings))
      const first = yield* start(state, scanner([], () => Effect.void), told)
      yield* Fiber.interrupt(first.fiber)
      const before = yield* first.snapshot
      yield* TestClock.adjust("1 hour")

      const second = yield* start(state, scanner([], () => Effect.never), told)
      const after = yield* second.snapshot

      assert.strictEqual(after.sequence, before.sequence)
      assert.strictEqual(
        yield* SweepTurns.run(SweepReport.whole(Option.getOrThrow(after.last))),
        yield* SweepTurns.run(SweepReport.whole(Option.getOrThrow(before.last)))
      )
    }))

  it.effect("says what of an earlier sweep is lost, and once that nothing can be kept of this one", () =>
    Effect.gen(function*() {
      const told = yield* toldOf(Option.some(settings))
      const lines: Array<string> = []
      const failing = new SweepStateError({ file: "running.jsonl", detail: "no space left" })
      const full = Layer.succeed(SweepState, {
        load: () =>
          Effect.succeed({
            sequence: 7,
            completed: [{ block: 0, at: 0, open: [], pings: [] }],
            interrupted: [],
            unreadable: ["last.jsonl is no whole sweep"]
          }),
        begin: () => Effect.void,
        add: () => failing,
        complete: () => failing
      })
      yield* start(full, scanner([], () => Effect.void), told).pipe(
        Effect.andThen(TestClock.adjust("11 minutes")),
        Effect.provide(Logger.layer([Logger.make(({ message }) => void lines.push(String(message)))]))
      )

      assert.lengthOf(lines.filter((line) => line.startsWith("swept 126 hosts")), 3)
      // Each sweep begins with a line that can be written.
      const unkept = lines.filter((line) => line.includes("cannot be kept"))
      assert.lengthOf(unkept, 3)
      assert.include(unkept[0], "no space left")
      assert.deepStrictEqual(
        lines.filter((line) => line.includes("cannot be read")).map((line) => line.split(": ")[1]),
        ["last.jsonl is no whole sweep", "a part of the last sweep is missing"]
      )
    }))

  it.effect("takes a new assignment at once when it has nothing to do, and after the sweep that runs", () =>
    Effect.gen(function*() {
      const told = yield* toldOf(Option.none())
      const { snapshot } = yield* start(disk(), scanner([], () => Effect.void), told)
      const before = yield* snapshot

      yield* SubscriptionRef.set(told, Option.some({ ...settings, networks: ["10.0.0.0/30"] }))
      yield* TestClock.adjust("1 millis")
      const small = yield* snapshot
      yield* SubscriptionRef.set(told, Option.some(settings))
      yield* TestClock.adjust("1 seconds")
      const large = yield* snapshot

      assert.deepStrictEqual(before.networks, Option.none())
      assert.strictEqual(hostsOf(small.last), 2)
      assert.strictEqual(hostsOf(large.last), 126)
    }))

  it.effect("fails when the scanner does, says why, and has kept what was done", () =>
    Effect.gen(function*() {
      const state = disk()
      const asked: Array<string> = []
      const told = yield* toldOf(Option.some(settings))
      const broken = scanner(asked, (count) =>
        count < 2 ? Effect.void : Effect.fail(new ScanFailed({ reason: "no sockets" })))
      const { fiber, snapshot } = yield* start(state, broken, told)

      const error = yield* Effect.flip(Fiber.join(fiber))
      const after = yield* snapshot
      asked.length = 0
      yield* start(
        state,
        scanner(asked, () =>
          Effect.void),
        told
      )

      assert.strictEqual(error.reason, "no sockets")
      assert.strictEqual(after.problem, "the sweep cannot go on: no sockets")
      assert.isBelow(asked.length, 8)
    }))
})
