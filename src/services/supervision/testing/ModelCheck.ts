/**
 * Holds whatever claims to supervise as OTP does to `SupervisorModel`: lives drawn from seeds, compared after each step. A
 * difference names the seed and the fewest operations that still show it.
 */
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import type * as Scope from "effect/Scope"
import type { ExitClass, Restart } from "../../../domain/supervision/ChildExit.ts"
import type { Strategy } from "../../../domain/supervision/Strategy.ts"
import {
  type ModelFlags,
  type ModelSpec,
  type Observation,
  type Operation,
  SupervisorModel
} from "./SupervisorModel.ts"

/** How a supervisor begins, and what happens to it. */
export interface Life {
  readonly seed: number
  readonly flags: ModelFlags
  readonly specs: ReadonlyArray<ModelSpec>
  readonly operations: ReadonlyArray<Operation>
}

/** What is held to the model, with the children that the life begins with. */
export interface World {
  /** Carries the operation out with all its consequences; `tookMillis` is the time that the model needed for them. */
  readonly perform: (operation: Operation, tookMillis: number) => Effect.Effect<Observation>
}

export interface DrawOptions {
  /** Default 30. */
  readonly operations?: number
}

export interface ModelCheckOptions extends DrawOptions {
  /** Default 100. */
  readonly seeds?: number
  /** Default 1. A difference names the seed to begin with. */
  readonly firstSeed?: number
}

export class ModelDifference extends Data.TaggedError("ModelDifference")<{
  /** With the fewest operations found, the last of which shows the difference. */
  readonly life: Life
  readonly expected: Observation
  readonly actual: Observation
}> {
  override get message(): string {
    const { operations, seed } = this.life
    return [
      `seed ${seed}: after ${operations.length} operations`,
      `  expected ${JSON.stringify(this.expected)}`,
      `  actual   ${JSON.stringify(this.actual)}`,
      ...operations.map((operation, index) => `  ${index + 1}. ${JSON.stringify(operation)}`)
    ].join("\n")
  }
}

const ids = ["a", "b", "c", "d"]
const strategies: ReadonlyArray<Strategy> = ["one_for_one", "one_for_all", "rest_for_one"]
const restarts: ReadonlyArray<Restart> = ["permanent", "transient", "temporary"]
const exits: ReadonlyArray<ExitClass> = ["normal", "shutdown", "failure", "killed"]
const operationsDefault = 30

const oneOf = <A>(first: A, ...others: ReadonlyArray<A>): Effect.Effect<A> =>
  Effect.map(Random.nextIntBetween(0, others.length), (index) => others[index - 1] ?? first)

const isOneIn = (count: number) => Effect.map(Random.nextIntBetween(1, count), (drawn) => drawn === 1)

const drawFlags = Effect.fnUntraced(function*(canBeSignificant: boolean): Effect.fn.Return<ModelFlags> {
  return {
    strategy: yield* oneOf<Strategy>("one_for_one", ...strategies),
    maxRestarts: yield* Random.nextIntBetween(0, 4),
    periodMillis: yield* oneOf(1, 1000, 5000),
    autoShutdown: canBeSignificant ? yield* oneOf("any_significant" as const, "all_significant" as const) : "never"
  }
})

const drawSpec = Effect.fnUntraced(function*(id: string, canBeSignificant: boolean): Effect.fn.Return<ModelSpec> {
  const restart = yield* oneOf<Restart>("permanent", ...restarts)
  const isSignificant = canBeSignificant && (yield* isOneIn(2))
  return {
    id,
    restart,
    significant: isSignificant && restart !== "permanent",
    // Another for each id: which of two timers due at the same instant rings first is nobody's promise.
    backoffMillis: (yield* isOneIn(4)) ? 1000 + 37 * ids.indexOf(id) : 0
  }
})

const drawSpecs = (canBeSignificant: boolean) =>
  Effect.gen(function*() {
    const some = yield* Effect.filter(ids, () => isOneIn(2))
    return yield* Effect.forEach(some, (id) => drawSpec(id, canBeSignificant))
  })

const drawOperation = Effect.fnUntraced(function*(canBeSignificant: boolean): Effect.fn.Return<Operation> {
  const percent = yield* Random.nextIntBetween(1, 100)
  const id = yield* oneOf("a", "b", "c", "d")
  if (percent <= 38) return { _tag: "exit", id, exit: yield* oneOf<ExitClass>("failure", ...exits) }
  if (percent <= 57) return { _tag: "advance", millis: yield* oneOf(1, 999, 1000, 1001, 5000) }
  if (percent <= 71) return { _tag: yield* oneOf("terminate" as const, "restart" as const, "delete" as const), id }
  if (percent <= 80) return { _tag: "startChild", spec: yield* drawSpec(id, canBeSignificant) }
  if (percent <= 88) return { _tag: "failNextStart", id, times: yield* Random.nextIntBetween(0, 3) }
  if (percent <= 94) return { _tag: "slowStop", id, millis: yield* oneOf(0, 307, 1709) }
  if (percent <= 99) {
    return { _tag: "changeSpecs", flags: yield* drawFlags(canBeSignificant), specs: yield* drawSpecs(canBeSignificant) }
  }
  return { _tag: yield* oneOf("stop" as const, "killSupervisor" as const) }
})

/** The same seed and options give the same life. */
export const draw = (seed: number, { operations = operationsDefault }: DrawOptions = {}): Effect.Effect<Life> =>
  Effect.gen(function*() {
    const canBeSignificant = yield* isOneIn(2)
    return {
      seed,
      flags: yield* drawFlags(canBeSignificant),
      specs: yield* drawSpecs(canBeSignificant),
      operations: yield* Effect.forEach(Array.from({ length: operations }), () => drawOperation(canBeSignificant))
    }
  }).pipe(Random.withSeed(seed))

type Make<R> = (life: Life) => Effect.Effect<World, never, R>

const isSame = (one: Observation, other: Observation): boolean => JSON.stringify(one) === JSON.stringify(other)

/** In the order of the model's, so that they can be compared as text. */
const ordered = (like: Observation, other: Observation): Observation => ({ ...like, ...other })

const nothing: Operation = { _tag: "advance", millis: 0 }

/** One life, for a difference that was found before. */
export const replay = <R>(
  make: Make<R>,
  life: Life
): Effect.Effect<void, ModelDifference, Exclude<R, Scope.Scope>> =>
  Effect.scoped(Effect.gen(function*() {
    const world = yield* make(life)
    const model = new SupervisorModel(life.flags, life.specs)
    for (let step = 0; step <= life.operations.length; step++) {
      const operation = life.operations[step - 1] ?? nothing
      const expected = model.perform(operation)
      const actual = ordered(expected, yield* world.perform(operation, expected.tookMillis))
      if (!isSame(expected, actual)) {
        const shown = { ...life, operations: life.operations.slice(0, step) }
        return yield* new ModelDifference({ life: shown, expected, actual })
      }
    }
  }))

/** Leaves out operation after operation for as long as something differs. */
const shrink = Effect.fnUntraced(function*<R>(make: Make<R>, found: ModelDifference) {
  let smallest = found
  for (let index = found.life.operations.length - 1; index >= 0; index--) {
    const { life } = smallest
    if (index >= life.operations.length) continue
    const candidate = { ...life, operations: life.operations.filter((_, position) => position !== index) }
    smallest = yield* Effect.as(replay(make, candidate), smallest).pipe(Effect.catch(Effect.succeed))
  }
  return smallest
})

/** Fails with the first difference found; succeeds when all lives agreed. `make` is asked for a fresh world each time. */
export const check = Effect.fnUntraced(function*<R>(
  make: Make<R>,
  options: ModelCheckOptions = {}
): Effect.fn.Return<void, ModelDifference, Exclude<R, Scope.Scope>> {
  const { firstSeed = 1, seeds = 100 } = options
  for (let seed = firstSeed; seed < firstSeed + seeds; seed++) {
    const life = yield* draw(seed, options)
    yield* replay(make, life).pipe(Effect.catch((found) => Effect.flatMap(shrink(make, found), Effect.fail)))
  }
})
