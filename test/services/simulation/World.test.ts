import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Random } from "effect"
import { lineOf } from "../../../src/domain/simulation/EventLog.ts"
import * as Process from "../../../src/services/simulation/Process.ts"
import { World } from "../../../src/services/simulation/World.ts"

const noting = (text: string) =>
  Effect.flatMap(Process.Current, (process) => Effect.sync(() => process?.world.note(process.name, text)))

/** Three hosts that wait at random and say so. */
const chatty = (seed: number) => {
  const lines: Array<string> = []
  const world = new World({ seed, onEvent: (entry) => lines.push(lineOf(entry)) })
  for (const name of ["a", "b", "c"]) {
    world.addHost(name, {
      program: () =>
        Effect.forever(Effect.gen(function*() {
          const wait = yield* Random.nextIntBetween(1, 5)
          yield* Effect.sleep(wait)
          yield* Effect.all([noting("one"), noting("two")], { concurrency: "unbounded" })
        }))
    }).start()
  }
  world.after(500, () => world.hosts.get("b")?.kill())
  const violation = world.runUntil(2_000)
  return { lines, violation, hash: world.log.hash, world }
}

describe("A world", () => {
  it("repeats itself byte for byte under the same seed, and differs under another", () => {
    for (let seed = 1; seed <= 100; seed += 1) {
      const [one, two] = [chatty(seed), chatty(seed)]
      assert.isUndefined(one.violation)
      assert.strictEqual(one.lines.join("\n"), two.lines.join("\n"))
      assert.strictEqual(one.hash, two.hash)
      assert.notStrictEqual(one.hash, chatty(seed + 1_000).hash)
    }
  })

  it("jumps over the time in which nothing happens", () => {
    const world = new World({ seed: 1 })
    let elapsed = 0
    world.addHost("a", {
      program: () =>
        Effect.gen(function*() {
          const before = yield* Clock.currentTimeMillis
          yield* Effect.sleep("300 days")
          elapsed = (yield* Clock.currentTimeMillis) - before
        })
    }).start()
    world.runUntil(1 + 300 * 24 * 3_600_000)
    assert.strictEqual(elapsed, 300 * 24 * 3_600_000)
    assert.isBelow(world.steps, 10)
  })

  it("starts what was killed again, without running its finalizers", () => {
    const told: Array<string> = []
    const world = new World({ seed: 1 })
    const host = world.addHost("a", {
      program: () =>
        Effect.ensuring(
          Effect.andThen(Effect.sync(() => told.push("up")), Effect.never),
          Effect.sync(() => told.push("down"))
        )
    })
    host.start()
    world.after(100, () => host.kill())
    world.after(5_000, () => host.restart())
    world.runUntil(10_000)
    assert.deepStrictEqual(told, ["up", "up", "down", "up"])
    assert.strictEqual(host.starts, 3)
  })

  it("lets a paused process catch up", () => {
    const world = new World({ seed: 1 })
    const ticks: Array<number> = []
    const host = world.addHost("a", {
      program: () =>
        Effect.forever(Effect.andThen(Effect.sync(() => ticks.push(world.nowMillis)), Effect.sleep("1 second")))
    })
    host.start()
    world.after(1_500, () => host.pause())
    world.after(4_250, () => host.resume())
    world.runUntil(6_000)
    assert.deepStrictEqual(ticks, [0, 1_000, 4_250, 5_250])
  })

  it("steps the time of day and lets an oscillator run fast, without harm to timers", () => {
    const world = new World({ seed: 1, epochMillis: 0 })
    const seen: Array<readonly [number, number]> = []
    const host = world.addHost("a", {
      program: () =>
        Effect.forever(Effect.gen(function*() {
          seen.push([world.nowMillis, yield* Clock.currentTimeMillis])
          yield* Effect.sleep("1 second")
        }))
    })
    host.start()
    world.after(500, () => host.stepClock(-3_600_000))
    world.after(1_500, () => host.setDrift(1_000_000))
    world.runUntil(2_600)
    assert.deepStrictEqual(seen, [[0, 0], [1_000, -3_599_000], [2_000, -3_597_500], [2_500, -3_596_500]])
  })

  it("ends at the first violation", () => {
    const world = new World({ seed: 1 })
    let count = 0
    world.addHost("a", {
      program: () => Effect.forever(Effect.andThen(Effect.sync(() => count += 1), Effect.sleep("1 second")))
    }).start()
    world.watch("counts to three", () => count > 3 ? `counted to ${count}` : undefined)
    const violation = world.runUntil(60_000)
    assert.strictEqual(violation?.message, "counts to three: counted to 4")
    assert.strictEqual(violation?.atMicros, 3_000_000)
  })

  it("ends with a violation that has the seed when something throws outside of an Effect", () => {
    const world = new World({ seed: 7 })
    world.after(10, () => {
      throw new Error("no such thing")
    })

    const violation = world.runUntil(1_000)

    assert.include(violation?.message ?? "", "nothing is thrown outside of an Effect: no such thing")
    assert.strictEqual(violation?.atMicros, 10_000)
  })

  it("keeps the machine's clock, randomness and timers out", () => {
    const world = new World({ seed: 1, epochMillis: 1_000 })
    const seen: Array<unknown> = []
    world.addHost("a", {
      program: () =>
        Effect.sync(() => {
          seen.push(Date.now(), performance.now(), Math.random(), new Date().getTime(), new Date(5).getTime(), Date())
          seen.push(new Date() instanceof Date)
        })
    }).start()
    assert.isUndefined(world.runUntil(500))
    const again = new World({ seed: 1 })
    const { random } = again
    assert.deepStrictEqual(seen, [1_000, 0, random.split("stray").next(), 1_000, 5, new Date(1_000).toString(), true])
    assert.isAbove(Date.now(), 1_600_000_000_000)
    assert.isAbove(new Date().getTime(), 1_600_000_000_000)
  })

  it("has random bytes and ids of its own", () => {
    const drawn = (seed: number) => {
      const world = new World({ seed })
      const seen: Array<string> = []
      world.addHost("a", {
        program: () =>
          Effect.sync(() => {
            seen.push(crypto.randomUUID(), crypto.getRandomValues(new Uint32Array(4)).join(" "))
          })
      }).start()
      world.runUntil(500)
      return seen
    }
    assert.match(`${drawn(1)[0]}`, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    assert.deepStrictEqual(drawn(1), drawn(1))
    assert.notDeepEqual(drawn(1), drawn(2))
    assert.notStrictEqual(crypto.randomUUID(), crypto.randomUUID())
  })

  it.each([
    { how: "from an Effect", program: Effect.sync(() => setTimeout(() => {}, 1)) },
    {
      how: "from a promise that nobody hears of",
      program: Effect.promise(() => new Promise((go) => setImmediate(go)))
    },
    { how: "where the error is caught", program: Effect.ignore(Effect.try(() => setInterval(() => {}, 1))) }
  ])("ends with a violation when a timer of the machine is asked for $how", ({ program }) => {
    const world = new World({ seed: 1 })
    world.addHost("a", { program: () => program }).start()

    const violation = world.runUntil(1_000)

    assert.strictEqual(violation?.invariant, "nobody asks for a timer of the machine")
    assert.match(`${violation?.detail}`, /^set\w+ was asked for within a world.* at .*World\.test\.ts/)
  })

  it("takes no seed that is no number, and no host twice", () => {
    assert.throws(() => new World({ seed: NaN }), /seed is NaN/)
    const world = new World({ seed: 1 })
    world.addHost("a", { program: () => Effect.never })
    assert.throws(() => world.addHost("a", { program: () => Effect.never }), /host a is there already/)
  })

  it("finds a process that never waits", () => {
    const world = new World({ seed: 1 })
    world.addHost("a", { program: () => Effect.forever(Effect.yieldNow) }).start()
    assert.include(world.runUntil(10)?.message, "a never does")
  })
})
