/**
 * Puts any tree through faults drawn from seeds, and says what did not hold: the invariants of supervision, and the tree's
 * own. A failure names the seed and the fewest steps that still show it.
 *
 * A tree is made anew for each seed, on a clock of its own. When its supervisor gives up, because faults came faster than
 * its intensity allows, that is an end as good as any: nothing may live after it. One fault alone is no reason to give up.
 */
import * as Cause from "effect/Cause"
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Scope from "effect/Scope"
import type { ChildSpec, ServicesOf } from "../ChildSpec.ts"
import type * as Supervisor from "../Supervisor.ts"
import * as Endings from "./Endings.ts"
import * as EventText from "./EventText.ts"
import * as FaultPlan from "./FaultPlan.ts"
import * as Invariants from "./Invariants.ts"
import * as TestTree from "./TestTree.ts"
import * as TreeSnapshot from "./TreeSnapshot.ts"

type Specs = ReadonlyArray<ChildSpec<unknown, unknown>>

/** What a tree promises besides what every tree does. */
export interface Promised {
  readonly name: string
  /** When it is asked: after every step, once after the faults are over and the tree had time to heal, or after its stop. */
  readonly when: "always" | "healed" | "stopped"
  /** What does not hold; undefined when it does. */
  readonly broken: Effect.Effect<string | undefined>
}

/** A tree that is driven by faults: what its children fail with does not matter here. */
type Driven = Omit<TestTree.TestTree<never>, "supervisor">

/** A tree to be checked, and what it promises. */
export interface Subject<R> {
  readonly start: (options: TestTree.TestTreeOptions) => Effect.Effect<Driven, { readonly message: string }, R>
  readonly promises: ReadonlyArray<Promised>
}

export const subject = <const Children extends Specs>(
  options: Supervisor.SupervisorOptions<Children>,
  promises: ReadonlyArray<Promised> = []
): Subject<ServicesOf<Children> | Scope.Scope> => ({
  start: (how) => TestTree.start(options, how),
  promises
})

export interface CheckOptions extends FaultPlan.PlanOptions {
  /** Default 100. */
  readonly seeds?: number
  /** Default 1. A failure names the seed to begin with. */
  readonly firstSeed?: number
  /** How long the tree has to heal once nothing is done to it any more. Default 1 minute. */
  readonly healsWithin?: Duration.Input
  /** How long the tree may take to stop. Default 1 minute. */
  readonly stopsWithin?: Duration.Input
}

/** A promise or invariant that a tree does not keep. */
export class TreeFault extends Data.TaggedError("TreeFault")<{
  readonly invariant: string
  readonly detail: string
  readonly seed: number
  /** The fewest steps found that still show it. */
  readonly steps: ReadonlyArray<string>
  readonly lastEvents: ReadonlyArray<string>
  readonly plan: FaultPlan.FaultPlan
}> {
  override get message(): string {
    return [
      `${this.invariant}: ${this.detail}`,
      `  seed ${this.seed}, fibers give way after ${this.plan.stepsMax} steps`,
      ...this.steps.map((step, index) => `  ${index + 1}. ${step}`),
      "  last events:",
      ...this.lastEvents.map((line) => `    ${line}`)
    ].join("\n")
  }
}

export interface Report {
  readonly seeds: number
  readonly faults: number
  /** Trees that gave up before the end of their plan. */
  readonly gaveUp: number
}

interface Run {
  readonly violation: Invariants.Violation | undefined
  readonly steps: ReadonlyArray<string>
  readonly lastEvents: ReadonlyArray<string>
  readonly gaveUp: boolean
}

const eventsShown = 12

const targetsOf = (tree: TreeSnapshot.TreeSnapshot, alive: ReadonlyMap<string, number>): ReadonlyArray<string> =>
  TreeSnapshot.flatten(tree).map(({ path }) => path).filter((path) => path !== tree.path && alive.has(path))

const carryOut = (
  tree: Driven,
  step: FaultPlan.Step,
  child: string | undefined
): Effect.Effect<void, TestTree.NotSettled> => {
  switch (step.fault) {
    case "wait":
      return tree.adjust(step.millis)
    case "flood":
      return tree.flood(step.times * 100)
    case "crash":
    case "kill":
    case "complete":
      return child === undefined
        ? Effect.void
        : tree[step.fault](child).pipe(Effect.catchTag("NoSuchChild", () => Effect.void))
    case "failStarts":
      return child === undefined ? Effect.void : tree.plan.failStarts(child, step.times)
    case "slowStart":
      return child === undefined ? Effect.void : tree.plan.slow(child, { start: step.millis })
    case "slowStop":
      return child === undefined ? Effect.void : tree.plan.slow(child, { stop: step.millis })
  }
}

/** Nothing is under way: no start or stop of anybody is waited for. */
const isAtRest = (tree: TreeSnapshot.TreeSnapshot): boolean =>
  TreeSnapshot.flatten(tree).every(({ state }) => state !== "starting" && state !== "stopping")

const asked = Effect.fnUntraced(function*(promises: ReadonlyArray<Promised>, when: Promised["when"]) {
  for (const promise of promises.filter((one) => one.when === when)) {
    const detail = yield* promise.broken
    if (detail !== undefined) return { invariant: promise.name, detail } satisfies Invariants.Violation
  }
  return undefined
})

const judge = (tree: Driven, promises: ReadonlyArray<Promised>) =>
  Effect.gen(function*() {
    const snapshot = yield* tree.snapshot
    if (!isAtRest(snapshot)) return undefined
    const [violation] = Invariants.judge({ events: tree.events, tree: snapshot, alive: tree.alive })
    return violation ?? (yield* asked(promises, "always"))
  })

const busy = (error: TestTree.NotSettled): Invariants.Violation => ({
  invariant: "the tree comes to rest without time passing",
  detail: error.lines.join("; ")
})

const healSteps = 30

const lead = <R1, R2>(
  make: Effect.Effect<Subject<R1>, never, R2>,
  plan: FaultPlan.FaultPlan,
  options: CheckOptions
): Effect.Effect<Run, never, Exclude<R1 | R2, Scope.Scope>> =>
  Effect.gen(function*() {
    const { promises, start } = yield* make
    const said: Array<string> = []
    const started = yield* Effect.exit(start({ stepsMax: plan.stepsMax }))
    if (Exit.isFailure(started)) {
      const detail = Cause.pretty(started.cause).split("\n")[0] ?? ""
      return { violation: { invariant: "the tree starts", detail }, steps: said, lastEvents: [], gaveUp: false }
    }
    const running = started.value
    const end = (violation: Invariants.Violation | undefined, gaveUp: boolean): Run => ({
      violation,
      steps: said,
      lastEvents: running.events.slice(-eventsShown).map(EventText.of),
      gaveUp
    })
    const hasEnded = Effect.map(running.snapshot, ({ state }) => state === "stopped")

    const faulty = Effect.gen(function*() {
      for (const [index, step] of plan.steps.entries()) {
        const before = yield* running.snapshot
        const eventsBefore = running.events.length
        const targets = targetsOf(before, running.alive)
        const child = targets[Math.floor(step.target * targets.length)]
        said.push(FaultPlan.describe(step, child ?? "nobody"))
        yield* carryOut(running, step, child)
        const violation = (yield* judge(running, promises)) ?? Endings.gaveUpAlone(
          plan.steps.slice(0, index),
          step,
          Endings.budgetLeft(before),
          running.events.slice(eventsBefore)
        )
        if (violation !== undefined || (yield* hasEnded)) return violation
      }
      return undefined
    })
    const healing = Effect.gen(function*() {
      yield* running.plan.heal
      yield* running.settle
      const limit = Duration.toMillis(Duration.fromInputUnsafe(options.healsWithin ?? "1 minute"))
      for (let step = 0; step < healSteps; step++) yield* running.adjust(limit / healSteps)
      const violation = yield* judge(running, promises)
      if (violation !== undefined || (yield* hasEnded)) return violation
      const snapshot = yield* running.snapshot
      if (!isAtRest(snapshot)) {
        const under = TreeSnapshot.flatten(snapshot).filter(({ state }) => state === "starting" || state === "stopping")
        return {
          invariant: "the tree heals once nothing is done to it",
          detail: under.map(({ path, state }) => `${path} is ${state}`).join(", ")
        }
      }
      return yield* asked(promises, "healed")
    })
    const stopping = Effect.gen(function*() {
      if (!(yield* running.stop(options.stopsWithin ?? "1 minute"))) {
        return { invariant: "the tree stops in time", detail: TreeSnapshot.lines(yield* running.snapshot).join("; ") }
      }
      const [left] = running.alive.keys()
      const abandoned = running.events.some(({ _tag }) => _tag === "ChildAbandoned")
      if (left !== undefined && !abandoned) {
        return { invariant: "nothing lives after the stop", detail: `${left} does` }
      }
      return yield* asked(promises, "stopped")
    })

    const whole = Effect.gen(function*() {
      const broken = yield* faulty
      const healed = broken === undefined && !(yield* hasEnded) ? yield* healing : broken
      const gaveUp = yield* hasEnded
      return end(healed ?? (yield* stopping), gaveUp)
    })
    return yield* Effect.catchTag(whole, "NotSettled", (error) => Effect.succeed(end(busy(error), false)))
  }).pipe(TestTree.provide)

const withoutStep = (plan: FaultPlan.FaultPlan, index: number): FaultPlan.FaultPlan => ({
  ...plan,
  steps: plan.steps.filter((_, position) => position !== index)
})

/** Leaves out step after step for as long as the same thing does not hold. */
const shrink = Effect.fnUntraced(function*<R1, R2>(
  make: Effect.Effect<Subject<R1>, never, R2>,
  plan: FaultPlan.FaultPlan,
  found: Run,
  options: CheckOptions
) {
  let smallest = { plan, run: found }
  for (let index = plan.steps.length - 1; index >= 0; index--) {
    const candidate = withoutStep(smallest.plan, index)
    const run = yield* lead(make, candidate, options)
    if (run.violation?.invariant === found.violation?.invariant) smallest = { plan: candidate, run }
  }
  return smallest
})

/** One plan against one tree, for a failure that was found before. */
export const replay = <R1, R2>(
  make: Effect.Effect<Subject<R1>, never, R2>,
  plan: FaultPlan.FaultPlan,
  options: CheckOptions = {}
): Effect.Effect<void, TreeFault, Exclude<R1 | R2, Scope.Scope>> =>
  Effect.flatMap(lead(make, plan, options), ({ lastEvents, steps, violation }) =>
    violation === undefined
      ? Effect.void
      : Effect.fail(new TreeFault({ ...violation, seed: plan.seed, steps, lastEvents, plan })))

/**
 * Fails with the first fault found; succeeds when all seeds held. `make` is asked for a fresh tree each time: what its
 * children share is made there.
 */
export const check = Effect.fnUntraced(function*<R1, R2>(
  make: Effect.Effect<Subject<R1>, never, R2>,
  options: CheckOptions = {}
): Effect.fn.Return<Report, TreeFault, Exclude<R1 | R2, Scope.Scope>> {
  const { firstSeed = 1, seeds = 100 } = options
  let faults = 0
  let gaveUp = 0
  for (let seed = firstSeed; seed < firstSeed + seeds; seed++) {
    const plan = yield* FaultPlan.make(seed, options)
    const run = yield* lead(make, plan, options)
    faults += run.steps.length
    if (run.gaveUp) gaveUp += 1
    if (run.violation !== undefined) {
      const smallest = yield* shrink(make, plan, run, options)
      const { lastEvents, steps, violation = run.violation } = smallest.run
      return yield* new TreeFault({ ...violation, seed, steps, lastEvents, plan: smallest.plan })
    }
  }
  return { seeds, faults, gaveUp }
})
