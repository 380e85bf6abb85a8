// What must not compile is marked for the compiler; these two rules would report it once more.
// @effect-diagnostics missingEffectContext:off missingEffectError:off
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Supervisor from "../../../src/services/supervision/Supervisor.ts"
import type { SupervisorShutdown, SupervisorStartError } from "../../../src/services/supervision/SupervisorError.ts"

type Equals<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true : false
type ErrorOf<T> = T extends Effect.Effect<unknown, infer E, unknown> ? E : never
type ServicesOf<T> = T extends Effect.Effect<unknown, unknown, infer R> ? R : never

/** Compiles only for `true`. */
const holds = <T extends true>(claim: T): T => claim

class Disk {
  readonly _tag = "Disk"
}
class Network {
  readonly _tag = "Network"
}
class Store extends Context.Service<Store, { readonly write: Effect.Effect<void, Disk> }>()("Store") {}
class Wire extends Context.Service<Wire, { readonly send: Effect.Effect<void, Network> }>()("Wire") {}

const writer = Supervisor.child({ id: "writer", run: Effect.flatMap(Store, (store) => store.write) })
const sender = Supervisor.child({
  id: "sender",
  start: Effect.gen(function*() {
    const wire = yield* Wire
    yield* Effect.acquireRelease(Effect.void, () => Effect.void)
    return Effect.as(wire.send, 1)
  })
})
const tree = { id: "root", strategy: "one_for_one", children: [writer, sender] } as const

// library/types.ts
describe("A supervisor's type", () => {
  it("names every child's failure and need in run", () => {
    const run = Supervisor.run(tree)

    assert.isTrue(holds<Equals<ErrorOf<typeof run>, SupervisorShutdown<Disk | Network>>>(true))
    assert.isTrue(holds<Equals<ServicesOf<typeof run>, Store | Wire>>(true))
  })

  it("names them in start, whose handle must be scoped", () => {
    const start = Supervisor.start(tree)

    assert.isTrue(holds<Equals<ErrorOf<typeof start>, SupervisorStartError<Disk | Network>>>(true))
    assert.isTrue(holds<Equals<ServicesOf<typeof start>, Store | Wire | Scope.Scope>>(true))
  })

  it("keeps the levels of nested supervisors apart", () => {
    const inner = Supervisor.supervisor({ id: "inner", strategy: "one_for_one", children: [writer] })
    const run = Supervisor.run({ id: "root", strategy: "one_for_all", children: [inner, sender] })

    assert.isTrue(holds<Equals<ErrorOf<typeof run>, SupervisorShutdown<SupervisorShutdown<Disk> | Network>>>(true))
    assert.isTrue(holds<Equals<ServicesOf<typeof run>, Store | Wire>>(true))
  })

  it("makes a forgotten service and an unhandled failure compile errors", () => {
    type Run = ReturnType<typeof Supervisor.run<typeof tree.children>>
    type Accepts<E, R> = [Run] extends [Effect.Effect<never, E, R>] ? true : false

    assert.isTrue(holds<Accepts<SupervisorShutdown<Disk | Network>, Store | Wire>>(true))
    assert.isTrue(holds<Equals<Accepts<SupervisorShutdown<Disk | Network>, Store>, false>>(true))
    assert.isTrue(holds<Equals<Accepts<SupervisorShutdown<Disk>, Store | Wire>, false>>(true))
  })

  it("takes only children by hand whose failure the tree names", () => {
    const add = Effect.flatMap(
      Supervisor.start({ id: "root", strategy: "one_for_one", children: [writer] }),
      // @ts-expect-error nobody above expects Network
      (supervisor) => supervisor.startChild(sender)
    )

    assert.isTrue(Effect.isEffect(add))
  })

  it("is honest about an empty tree: it cannot fail and needs nothing", () => {
    const run = Supervisor.run({ id: "root", strategy: "one_for_one", children: [] })

    assert.isTrue(holds<Equals<ErrorOf<typeof run>, SupervisorShutdown<never>>>(true))
    assert.isTrue(holds<Equals<ServicesOf<typeof run>, never>>(true))
  })

  it("takes no children that can fail in a dynamic supervisor without a type argument", () => {
    const make = Supervisor.dynamic({ id: "workers", maxChildren: 1 })
    const started = Supervisor.startDynamic({ id: "workers", maxChildren: 1 })
    type Handle<T> = T extends Effect.Effect<infer A, unknown, unknown> ? A : never

    type FailureOf<T> = T extends Supervisor.DynamicSupervisor<infer E> ? E : "none"

    assert.isTrue(holds<Equals<FailureOf<Handle<typeof make>>, never>>(true))
    assert.isTrue(holds<Equals<FailureOf<Handle<typeof started>>, never>>(true))
    // @ts-expect-error nobody above expects Disk
    const add = Effect.flatMap(started, (workers) => workers.startChild(writer))
    assert.isTrue(Effect.isEffect(add))
  })

  it("tells a wrong option of a child at the option itself", () => {
    const misspelled = Supervisor.child({
      id: "a",
      run: Effect.never,
      // @ts-expect-error the option is named restart
      restarts: "transient"
    })
    const unknown = Supervisor.child({
      id: "b",
      run: Effect.never,
      // @ts-expect-error there is no such kind of restart
      restart: "always"
    })

    assert.deepStrictEqual([misspelled, unknown].map(({ description }) => description.id), ["a", "b"])
  })

  // library/any.ts
  it("refuses a run that answers an effect, which nobody would run, and takes one that never answers", () => {
    // @ts-expect-error two parts belong into start
    const twice = Supervisor.child({ id: "a", run: Effect.succeed(Effect.log("never runs")) })
    const forever = Supervisor.child({ id: "b", run: Effect.never })
    const parts = Supervisor.child({ id: "c", start: Effect.succeed(Effect.log("runs")) })

    assert.deepStrictEqual([twice, forever, parts].map(({ description }) => description.id), ["a", "b", "c"])
  })
})
