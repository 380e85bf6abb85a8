/**
 * A tree on the test clock, whose children are ended, slowed down and observed by their paths, without any help of theirs.
 *
 * Time stands still until `adjust`; `settle` returns once nothing is left to run without time passing.
 */
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Scheduler from "effect/Scheduler"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import type { SupervisionEvent } from "../../../domain/supervision/SupervisionEvent.ts"
import type { ChildSpec, ErrorOf, ServicesOf } from "../ChildSpec.ts"
import { ChildInterception } from "../internal/child/ChildInterception.ts"
import { SupervisionTree } from "../SupervisionTree.ts"
import * as Supervisor from "../Supervisor.ts"
import type { SupervisorStartError } from "../SupervisorError.ts"
import * as EventText from "./EventText.ts"
import * as Sabotage from "./Sabotage.ts"
import { TestScheduler } from "./TestScheduler.ts"
import * as TreeSnapshot from "./TreeSnapshot.ts"

/** The tree keeps itself busy without letting time pass: a loop that waits for nothing. */
export class NotSettled extends Data.TaggedError("NotSettled")<{ readonly lines: ReadonlyArray<string> }> {
  override get message(): string {
    return `the tree does not come to rest without time passing:\n${this.lines.join("\n")}`
  }
}

/** There is no child of that path that runs. */
export class NoSuchChild extends Data.TaggedError("NoSuchChild")<{
  readonly path: string
  readonly running: ReadonlyArray<string>
}> {
  override get message(): string {
    return `${this.path} does not run; there is ${this.running.join(", ")}`
  }
}

export interface TestTreeOptions {
  /** Each fiber of the tree gives way after so many steps; Effect's own number when absent. */
  readonly stepsMax?: number
  /** How long the children may take to start, on the test clock. Default 1 minute. */
  readonly startsWithin?: Duration.Input
}

export interface TestTree<E> {
  readonly supervisor: Supervisor.Supervisor<E>
  /** Returns once nothing is left to run without time passing. */
  readonly settle: Effect.Effect<void, NotSettled>
  /** Lets time pass, then settles. */
  readonly adjust: (duration: Duration.Input) => Effect.Effect<void, NotSettled>
  /** The child dies of a defect. Settles, like the others below. */
  readonly crash: (path: string) => Effect.Effect<void, NoSuchChild | NotSettled>
  /** The child is interrupted from outside, as OTP's `kill`. */
  readonly kill: (path: string) => Effect.Effect<void, NoSuchChild | NotSettled>
  /** The child ends as if its work were done. */
  readonly complete: (path: string) => Effect.Effect<void, NoSuchChild | NotSettled>
  /** So many requests at once to the supervisor at the root, whose answers nobody waits for one after the other. */
  readonly flood: (requests: number) => Effect.Effect<void, NotSettled>
  /** Plans for the starts and stops to come. */
  readonly plan: Pick<Sabotage.Sabotage, "failStarts" | "hangStart" | "hangStop" | "slow" | "heal">
  readonly snapshot: Effect.Effect<TreeSnapshot.TreeSnapshot>
  /** Everything that has happened, in order. */
  readonly events: ReadonlyArray<SupervisionEvent>
  /** As `EventText` writes them, since the last call: `Poller/a exited failure`. */
  readonly takeLog: Effect.Effect<ReadonlyArray<string>>
  /** How often each child was started, by path. */
  readonly starts: ReadonlyMap<string, number>
  /** Children whose life has begun and not ended, by path. */
  readonly alive: ReadonlyMap<string, number>
  /** Stops the tree; lets time pass until it has ended, at most so long. */
  readonly stop: (within: Duration.Input) => Effect.Effect<boolean>
}

/** Longer than any limit of a stop that a test would set. */
const closingLimit = "1 hour"

/** What the tree lives in. Its end takes time, which passes only on the test clock: so the clock is moved meanwhile. */
const lifetime = (sabotage: Sabotage.Sabotage, scheduler: TestScheduler) =>
  Effect.acquireRelease(Scope.make(), (scope, exit) =>
    Effect.gen(function*() {
      const closing = yield* Effect.forkDetach(Scope.close(scope, exit), { startImmediately: true })
      yield* sabotage.heal
      yield* letPass(closing, scheduler, closingLimit)
    }))

/** Lets time pass, in steps that grow, until the fiber has ended, at most so long; whether it has. */
const letPass = Effect.fnUntraced(function*(
  fiber: Fiber.Fiber<unknown, unknown>,
  scheduler: TestScheduler,
  within: Duration.Input
) {
  let leftMillis = Duration.toMillis(Duration.fromInputUnsafe(within))
  let stepMillis = 1
  yield* scheduler.settle
  while (fiber.pollUnsafe() === undefined && leftMillis > 0) {
    const millis = Math.min(stepMillis, leftMillis)
    yield* TestClock.adjust(millis)
    yield* scheduler.settle
    leftMillis -= millis
    stepMillis *= 2
  }
  return fiber.pollUnsafe() !== undefined
})

/** All trees of the test, every event of which is kept. */
const observed = (events: Array<SupervisionEvent>) =>
  Effect.map(Layer.build(SupervisionTree.layer), (context) => {
    const tree = Context.get(context, SupervisionTree)
    return SupervisionTree.of({
      ...tree,
      publish: (event) => {
        events.push(event)
        tree.publish(event)
      }
    })
  })

/** Starts the tree and settles. It is stopped when the scope closes. Needs a test clock. */
export const start = Effect.fnUntraced(function*<const Children extends ReadonlyArray<ChildSpec<unknown, unknown>>>(
  options: Supervisor.SupervisorOptions<Children>,
  { startsWithin = "1 minute", stepsMax }: TestTreeOptions = {}
): Effect.fn.Return<
  TestTree<ErrorOf<Children>>,
  SupervisorStartError<ErrorOf<Children>>,
  ServicesOf<Children> | Scope.Scope
> {
  const sabotage = Sabotage.make()
  const scheduler = new TestScheduler(stepsMax)
  const events: Array<SupervisionEvent> = []
  const root = yield* observed(events)
  let taken = 0

  const life = yield* lifetime(sabotage, scheduler)
  const starting = yield* Supervisor.start(options).pipe(
    Scope.provide(life),
    Effect.provideContext(
      Context.make(ChildInterception, sabotage.interceptor).pipe(
        Context.add(Scheduler.Scheduler, scheduler),
        Context.add(SupervisionTree, root)
      )
    ),
    Effect.forkIn(life, { startImmediately: true })
  )
  yield* letPass(starting, scheduler, startsWithin)
  const supervisor = yield* Fiber.join(starting)
  const snapshot = Effect.map(supervisor.tree, TreeSnapshot.of)
  const settle = Effect.flatMap(scheduler.settle, (isQuiet) =>
    isQuiet
      ? Effect.void
      : Effect.flatMap(snapshot, (tree) => Effect.fail(new NotSettled({ lines: TreeSnapshot.lines(tree) }))))
  const adjust = (duration: Duration.Input) => Effect.andThen(TestClock.adjust(duration), settle)
  const end = (how: (path: string) => Effect.Effect<boolean>) => (path: string) =>
    Effect.gen(function*() {
      if (!(yield* how(path))) return yield* new NoSuchChild({ path, running: [...sabotage.alive.keys()] })
      yield* settle
    })
  yield* Effect.ignore(settle)
  return {
    supervisor,
    settle,
    adjust,
    crash: end(sabotage.crash),
    kill: end(sabotage.kill),
    complete: end(sabotage.complete),
    flood: (requests) =>
      Effect.andThen(
        Effect.forEach(
          Array.from({ length: requests }),
          (_, index) => Effect.forkDetach(Effect.ignore(supervisor.terminateChild(`nobody-${index}`))),
          { discard: true }
        ),
        settle
      ),
    plan: sabotage,
    snapshot,
    events,
    takeLog: Effect.sync(() => {
      const since = events.slice(taken)
      taken = events.length
      return since.map(EventText.of)
    }),
    starts: sabotage.starts,
    alive: sabotage.alive,
    stop: (within) =>
      Effect.gen(function*() {
        const stopping = yield* Effect.forkDetach(supervisor.stop, { startImmediately: true })
        const hasEnded = yield* letPass(stopping, scheduler, within)
        if (!hasEnded) yield* sabotage.heal
        return hasEnded
      })
  }
})

/** Provides what a test of a tree needs: time that stands still, and no log. */
export const provide = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, Exclude<R, Scope.Scope>> =>
  Effect.scoped(effect).pipe(Effect.provide([TestClock.layer(), Logger.layer([])]))
