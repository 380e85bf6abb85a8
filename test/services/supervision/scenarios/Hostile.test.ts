/** What a child fails with is somebody else's value: no shape of it harms who supervises, waits or looks on. */
import { assert, describe } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { describe as describeFailure, textMax } from "../../../../src/domain/supervision/FailureText.ts"
import type { ChildSpec } from "../../../../src/services/supervision/ChildSpec.ts"
import * as Supervisor from "../../../../src/services/supervision/Supervisor.ts"
import * as TaskSupervisor from "../../../../src/services/supervision/TaskSupervisor.ts"
import { it } from "../fixtures/Leaks.ts"
import { settle } from "../fixtures/Trace.ts"

class Unreadable extends Error {
  override get message(): string {
    throw new Error("no message for you")
  }
}

const cycle: { self?: unknown } = {}
cycle.self = cycle

/** Traps every way in which one could look at it. */
const trap = () => {
  throw new Error("do not look")
}
const proxy = new Proxy({}, {
  get: trap,
  has: trap,
  ownKeys: trap,
  getPrototypeOf: trap,
  getOwnPropertyDescriptor: trap
})

const hostile: ReadonlyArray<readonly [name: string, failure: unknown]> = [
  ["a bigint", { _tag: "Bad", at: 1n }],
  ["a cycle", cycle],
  ["a throwing toJSON", { toJSON: trap }],
  ["a throwing getter", Object.defineProperty({}, "x", { get: trap, enumerable: true })],
  ["a throwing message", new Unreadable()],
  ["a throwing name", Object.defineProperty(new Error("x"), "name", { get: trap })],
  ["a Proxy that throws", proxy],
  [
    "a revoked Proxy",
    (() => {
      const { proxy, revoke } = Proxy.revocable({}, {})
      revoke()
      return proxy
    })()
  ],
  ["no prototype", Object.create(null)],
  ["a symbol", Symbol("s")],
  ["undefined", undefined],
  ["null", null],
  ["10 MB", { _tag: "BadResponse", body: "x".repeat(10_000_000) }],
  ["10 MB of message", new Error("x".repeat(10_000_000))]
]
const kinds = hostile.flatMap(([name, failure]) => [
  { name: `a failure with ${name}`, run: Effect.fail(failure) },
  { name: `a defect with ${name}`, run: Effect.die(failure) },
  { name: `a late failure with ${name}`, run: Effect.andThen(Effect.yieldNow, Effect.fail(failure)) }
])

describe("A hostile failure", () => {
  // 02-hostile-failure-kills-supervisor.ts, 03a-process-crash.ts
  it.effect.each(kinds)("$name is restarted and given up like any other", ({ run }) =>
    Effect.gen(function*() {
      let starts = 0
      let isClosed = false
      const sibling = Supervisor.child({
        id: "sibling",
        start: Effect.as(
          Effect.addFinalizer(() =>
            Effect.sync(() => {
              isClosed = true
            })
          ),
          Effect.never
        )
      })
      const child = Supervisor.child({
        id: "c",
        run: Effect.suspend(() => {
          starts += 1
          return run
        })
      })
      const error = yield* Effect.flip(Supervisor.run({
        id: "s",
        strategy: "one_for_one",
        intensity: { maxRestarts: 2, period: "1 second" },
        children: [sibling, child]
      }))

      assert.strictEqual(starts, 3)
      assert.isTrue(isClosed)
      assert.deepInclude(error, { _tag: "SupervisorShutdown", reason: "intensity_exceeded", child: "c" })
      assert.isAtMost(error.message.length, textMax + 200)
    }))

  // 03-hostile-failure-hangs-callers.ts
  // library/h3.ts
  it.effect.each(kinds)(
    "$name answers whoever waits for the start or the outcome",
    ({ run }) =>
      Effect.gen(function*() {
        const dynamic = yield* Supervisor.startDynamic<unknown>({ id: "d", maxChildren: 10 })
        const fixed = yield* Supervisor.start({
          id: "s",
          strategy: "one_for_one",
          children: [Supervisor.child({ id: "z", run: Effect.never as Effect.Effect<never, unknown> })]
        })
        const bad = Supervisor.child({ id: "bad", restart: "temporary", start: Effect.as(run, Effect.never) })
        const tasks = yield* TaskSupervisor.make({ id: "t", maxChildren: 10 })
        yield* Supervisor.start({ id: "r", strategy: "one_for_one", children: [tasks] })

        assert.strictEqual((yield* Effect.flip(dynamic.startChild(bad)))._tag, "ChildStartError")
        assert.strictEqual((yield* Effect.flip(fixed.startChild(bad)))._tag, "ChildStartError")
        assert.strictEqual((yield* (yield* tasks.asyncNoLink(run)).await)._tag, "Failure")
        yield* settle

        assert.strictEqual((yield* dynamic.countChildren).specs, 0)
        assert.strictEqual((yield* fixed.countChildren).active, 1)
        assert.strictEqual((yield* tasks.countChildren).specs, 0)
      })
  )
})

describe("The text of a failure", () => {
  // 01-message-exponential.ts
  // library/deep.ts
  it.effect("costs the same at any depth, and names the lowest failure", () =>
    Effect.gen(function*() {
      const intensity = { maxRestarts: 0, period: "1 second" } as const
      let tree: ChildSpec<unknown, never> = Supervisor.child({ id: "leaf", run: Effect.die(new Error("boom")) })
      for (let level = 0; level < 40; level += 1) {
        tree = Supervisor.supervisor({ id: `n${level}`, strategy: "one_for_one", intensity, children: [tree] })
      }
      const error = yield* Effect.flip(
        Supervisor.run({ id: "root", strategy: "one_for_one", intensity, children: [tree] })
      )

      assert.match(
        error.message,
        /^Supervisor root ended .* because of leaf after 1 restarts in its period: Error: boom$/
      )
      assert.isBelow(error.message.length, 600)
    }))

  // 06-exit-messages-unbounded.ts
  it.effect("is cut in the tree, whatever its length was, and does not keep the whole in memory", () =>
    Effect.gen(function*() {
      const supervisor = yield* Supervisor.start({
        id: "s",
        strategy: "one_for_one",
        intensity: { maxRestarts: 1000, period: "1 second" },
        children: [
          Supervisor.child({
            id: "c",
            restart: "temporary",
            run: Effect.fail({ _tag: "BadResponse", body: "x".repeat(1_000_000) })
          }),
          Supervisor.child({ id: "d", restart: "transient", run: Effect.fail("y".repeat(1_000_000)) })
        ]
      })
      yield* settle
      const [child] = (yield* supervisor.tree).children

      assert.isNotEmpty(child?.exits ?? [])
      for (const { message } of child?.exits ?? []) assert.isAtMost(message.length, textMax + 40)
    }))

  it("shows no secret", () => {
    const texts = [
      { _tag: "Denied", password: "hunter2", nested: { apiKey: "hunter2", "x-auth-token": "hunter2" } },
      { url: "postgres://me:hunter2@db/x" },
      "connect to https://me:hunter2@example.org failed",
      new Error("Authorization: Bearer hunter2hunter2"),
      new Error("password=hunter2 rejected"),
      { secret: Redacted.make("hunter2"), other: Redacted.make("hunter2") },
      Cause.fail({ password: "hunter2" })
    ].map(describeFailure)

    for (const text of texts) assert.notInclude(text, "hunter2")
  })

  it("looks at no more of what is huge than it shows", () => {
    let looks = 0
    const names = Array.from({ length: 2_000 }, (_, index) => `name-${index}`)
    const huge = new Proxy(Object.fromEntries(names.map((name) => [name, 1])), {
      getOwnPropertyDescriptor: (target, name) => {
        looks += 1
        return Reflect.getOwnPropertyDescriptor(target, name)
      }
    })

    assert.match(describeFailure(huge), /^\{"name-0":1,.*"name-19":1,…\}$/)
    assert.isBelow(looks, 1000)
    assert.strictEqual(describeFailure({ body: new Uint8Array(10_000_000) }), "{\"body\":[10000000 bytes]}")
    assert.match(describeFailure(Array.from({ length: 100_000 }, () => 7)), /^\[(7,){20}…\]$/)
  })

  it("is one line, and steers no terminal", () => {
    assert.strictEqual(
      describeFailure(new Error("Expected string\n  at [\"a\"]\r\n\u001b[31mred\u0000")),
      "Error: Expected string at [\"a\"] [31mred"
    )
  })

  it("shows what is harmless as JSON would", () => {
    assert.strictEqual(
      describeFailure({ _tag: "Bad", at: 1, list: [true, null] }),
      "{\"_tag\":\"Bad\",\"at\":1,\"list\":[true,null]}"
    )
    assert.strictEqual(describeFailure({ at: new Date(0) }), "{\"at\":\"1970-01-01T00:00:00.000Z\"}")
    assert.strictEqual(describeFailure(new Error("boom")), "Error: boom")
    assert.strictEqual(describeFailure("boom"), "boom")
    assert.strictEqual(describeFailure(undefined), "undefined")
  })
})
