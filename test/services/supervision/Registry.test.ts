import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Queue from "effect/Queue"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Registry from "../../../src/services/supervision/Registry.ts"
import * as Supervisor from "../../../src/services/supervision/Supervisor.ts"
import { it } from "./fixtures/Leaks.ts"
import { settle } from "./fixtures/Trace.ts"

const isIn = (registry: Registry.Registry<number>, name: string) =>
  Effect.match(registry.lookup(name), { onFailure: () => false, onSuccess: () => true })

describe("Registry", () => {
  it.effect("gives a name to one owner at a time and names who has it", () =>
    Effect.gen(function*() {
      const registry = yield* Registry.make<number>("rooms")
      yield* Supervisor.start({
        id: "root",
        strategy: "one_for_one",
        children: [Supervisor.child({ id: "lobby", start: Effect.as(registry.register("lobby", 1), Effect.never) })]
      })

      const error = yield* Effect.flip(registry.register("lobby", 2))

      assert.deepStrictEqual(
        error,
        new Registry.AlreadyRegistered({ registry: "rooms", name: "lobby", owner: "root/lobby" })
      )
      assert.strictEqual(error.message, "rooms: lobby is taken by root/lobby")
      assert.strictEqual(yield* registry.lookup("lobby"), 1)
    }))

  it.effect("refuses to find a name that nobody has", () =>
    Effect.gen(function*() {
      const registry = yield* Registry.make<number>("rooms")

      const error = yield* Effect.flip(registry.lookup("attic"))

      assert.deepStrictEqual(error, new Registry.NotRegistered({ registry: "rooms", name: "attic" }))
    }))

  it.effect("forgets a child's entries before its successor starts", () =>
    Effect.gen(function*() {
      const registry = yield* Registry.make<number>("rooms")
      let lives = 0
      const kill = yield* Queue.bounded<void>(1)
      yield* Supervisor.start({
        id: "root",
        strategy: "one_for_one",
        children: [
          Supervisor.child({
            id: "lobby",
            start: Effect.gen(function*() {
              yield* registry.register("lobby", ++lives)
              yield* registry.addProperty("open", lives)
              return Effect.andThen(Queue.take(kill), Effect.fail("crashed"))
            })
          })
        ]
      })

      yield* Queue.offer(kill, undefined)
      yield* settle

      assert.strictEqual(yield* registry.lookup("lobby"), 2)
      assert.deepStrictEqual(yield* registry.lookupProperty("open"), [2])
      assert.deepStrictEqual(yield* registry.count, { names: 1, properties: 1 })
    }))

  it.effect("is empty again when all owners are gone", () =>
    Effect.gen(function*() {
      const registry = yield* Registry.make<number>("rooms")

      yield* Effect.scoped(Effect.gen(function*() {
        yield* registry.register("a", 1)
        yield* registry.addProperty("open", 1)
        yield* registry.addProperty("open", 2)
        assert.deepStrictEqual(yield* registry.lookupProperty("open"), [1, 2])
      }))

      assert.deepStrictEqual(yield* registry.count, { names: 0, properties: 0 })
      assert.isFalse(yield* isIn(registry, "a"))
    }))

  it.effect("selects entries by whatever they are", () =>
    Effect.gen(function*() {
      const registry = yield* Registry.make<number>("rooms")
      yield* registry.register("a", 1)
      yield* registry.register("b", 2)
      yield* registry.addProperty("big", 2)

      const big = yield* registry.select((entry) => entry.value > 1)

      assert.deepStrictEqual(big.map(({ key, kind }) => `${kind} ${key}`), ["name b", "property big"])
    }))

  it.effect("tells a subscriber what is there, then every change", () =>
    Effect.gen(function*() {
      const registry = yield* Registry.make<number>("rooms")
      yield* registry.register("a", 1)
      const seen = yield* Effect.forkChild(
        registry.subscribe().pipe(
          Stream.map((change) => `${change._tag} ${change.entry.key}`),
          Stream.take(3),
          Stream.runCollect
        ),
        { startImmediately: true }
      )
      yield* settle

      yield* Effect.scoped(registry.register("b", 2))

      assert.deepStrictEqual(yield* Fiber.join(seen), ["Registered a", "Registered b", "Unregistered b"])
    }))

  it.effect("ends a subscription that falls too far behind instead of missing a change", () =>
    Effect.gen(function*() {
      const registry = yield* Registry.make<number>("rooms")
      const slow = yield* Effect.forkChild(
        registry.subscribe({ bufferSize: 2 }).pipe(
          Stream.runForEach(() => Effect.repeat(Effect.yieldNow, { times: 20 }))
        ),
        { startImmediately: true }
      )
      yield* settle

      const scope = yield* Scope.make()
      yield* Effect.forEach([1, 2, 3, 4, 5, 6, 7, 8], (n) => Scope.provide(registry.register(`${n}`, n), scope))
      const error = yield* Effect.flip(Fiber.join(slow))
      yield* Scope.close(scope, Exit.void)

      assert.deepStrictEqual(error, new Registry.SubscriberLagged({ registry: "rooms", bufferSize: 2 }))
    }))

  it.effect("calls whoever has a name, and dispatches to all that have a property, oldest first", () =>
    Effect.gen(function*() {
      const registry = yield* Registry.make<(n: number) => Effect.Effect<number>>("rooms")
      yield* registry.register("double", (n) => Effect.succeed(2 * n))
      yield* registry.addProperty("all", (n) => Effect.succeed(n + 1))
      yield* registry.addProperty("all", (n) => Effect.succeed(n + 2))
      const heard: Array<number> = []
      const publish = (property: string) =>
        registry.dispatch(
          property,
          (receivers) => Effect.forEach(receivers, (receive) => Effect.map(receive(10), (n) => heard.push(n)))
        )

      assert.strictEqual(yield* registry.call("double", (double) => double(21)), 42)
      yield* publish("all")
      yield* publish("none")

      assert.deepStrictEqual(heard, [11, 12])
      assert.deepStrictEqual(
        yield* Effect.flip(registry.call("attic", (attic) => attic(1))),
        new Registry.NotRegistered({ registry: "rooms", name: "attic" })
      )
      assert.strictEqual(yield* Effect.flip(registry.call("double", () => Effect.fail("busy"))), "busy")
      assert.strictEqual(yield* Effect.flip(registry.dispatch("all", () => Effect.fail("busy"))), "busy")
    }))

  it.effect("updates a name for its owner's life: who looks and who subscribes sees the new value", () =>
    Effect.gen(function*() {
      const registry = yield* Registry.make<number>("rooms")
      const seen = yield* Effect.forkChild(
        registry.subscribe().pipe(
          Stream.map(({ _tag, entry }) => `${_tag} ${entry.value}`),
          Stream.take(3),
          Stream.runCollect
        ),
        { startImmediately: true }
      )
      yield* settle
      yield* Effect.scoped(Effect.gen(function*() {
        yield* registry.register("lobby", 1)

        assert.strictEqual(yield* registry.update("lobby", (n) => n + 1), 1)
        assert.strictEqual(yield* registry.lookup("lobby"), 2)
      }))

      assert.deepStrictEqual(yield* Fiber.join(seen), ["Registered 1", "Updated 2", "Unregistered 2"])
      assert.deepStrictEqual(
        yield* Effect.flip(registry.update("lobby", (n) => n)),
        new Registry.NotRegistered({ registry: "rooms", name: "lobby" })
      )
      assert.deepStrictEqual(yield* registry.count, { names: 0, properties: 0 })
    }))

  it.effect("lists the keys of a child by its path, and of the child that asks", () =>
    Effect.gen(function*() {
      const registry = yield* Registry.make<number>("rooms")
      let own: ReadonlyArray<string> = []
      yield* registry.register("nobody's", 0)
      const supervisor = yield* Supervisor.start({
        id: "root",
        strategy: "one_for_one",
        children: [
          Supervisor.child({
            id: "lobby",
            start: Effect.gen(function*() {
              yield* registry.register("lobby", 1)
              yield* registry.addProperty("open", 1)
              yield* registry.addProperty("open", 2)
              own = yield* registry.keys()
              return Effect.never
            })
          })
        ]
      })

      assert.deepStrictEqual(own, ["lobby", "open"])
      assert.deepStrictEqual(yield* registry.keys("root/lobby"), ["lobby", "open"])
      assert.deepStrictEqual(yield* registry.keys(), [])
      yield* supervisor.terminateChild("lobby")
      assert.deepStrictEqual(yield* registry.keys("root/lobby"), [])
    }))
})
