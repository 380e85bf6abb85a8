/** Random lives of a supervisor, as fast-check commands that hold a real one to the model. */
import { assert } from "@effect/vitest"
import * as fc from "fast-check"
import type { AutoShutdown } from "../../../src/domain/supervision/AutoShutdown.ts"
import type { ExitClass, Restart } from "../../../src/domain/supervision/ChildExit.ts"
import type { Strategy } from "../../../src/domain/supervision/Strategy.ts"
import type {
  ModelFlags,
  ModelSpec,
  Observation,
  Operation,
  SupervisorModel
} from "../../../src/services/supervision/testing/SupervisorModel.ts"
import { currentSeed, seed } from "../../support/StepBudget.ts"

/** What is held to the model. */
export interface World {
  /** `tookMillis` is the time that the model needed. */
  readonly perform: (operation: Operation, tookMillis: number) => Promise<Observation> | Observation
}

class Command implements fc.AsyncCommand<SupervisorModel, World> {
  readonly operation: Operation
  constructor(operation: Operation) {
    this.operation = operation
  }

  check(): boolean {
    return true
  }

  async run(model: SupervisorModel, world: World): Promise<void> {
    const expected = model.perform(this.operation)
    assert.deepStrictEqual(await world.perform(this.operation, expected.tookMillis), expected)
  }

  toString(): string {
    return JSON.stringify(this.operation)
  }
}

const ids = ["a", "b", "c", "d"]
const id = fc.constantFrom(...ids)
const strategies: ReadonlyArray<Strategy> = ["one_for_one", "one_for_all", "rest_for_one"]
const restarts: ReadonlyArray<Restart> = ["permanent", "transient", "temporary"]
const exits: ReadonlyArray<ExitClass> = ["normal", "shutdown", "failure", "killed"]

export const flags = (autoShutdown: fc.Arbitrary<AutoShutdown>): fc.Arbitrary<ModelFlags> =>
  fc.record({
    strategy: fc.constantFrom(...strategies),
    maxRestarts: fc.nat(4),
    periodMillis: fc.constantFrom(1, 1000, 5000),
    autoShutdown
  })

export const spec = (id: fc.Arbitrary<string>, canBeSignificant: boolean): fc.Arbitrary<ModelSpec> =>
  fc.record({
    id,
    restart: fc.constantFrom(...restarts),
    isSignificant: fc.boolean(),
    hasBackoff: fc.constantFrom(false, false, false, true)
  }).map(({ hasBackoff, id, isSignificant, restart }) => ({
    id,
    restart,
    // Another for each id: which of two timers due at the same instant rings first is nobody's promise.
    backoffMillis: hasBackoff ? 1000 + 37 * (id.charCodeAt(0) - 97) : 0,
    significant: canBeSignificant && isSignificant && restart !== "permanent"
  }))

const specs = (canBeSignificant: boolean): fc.Arbitrary<ReadonlyArray<ModelSpec>> =>
  fc.uniqueArray(spec(id, canBeSignificant), { selector: (spec) => spec.id, maxLength: ids.length })

const autoShutdowns = (canBeSignificant: boolean): fc.Arbitrary<AutoShutdown> =>
  canBeSignificant ? fc.constantFrom("any_significant", "all_significant") : fc.constant("never")

export const operation = (canBeSignificant: boolean): fc.Arbitrary<Operation> =>
  fc.oneof(
    {
      weight: 10,
      arbitrary: fc.record({ _tag: fc.constant("startChild" as const), spec: spec(id, canBeSignificant) })
    },
    { weight: 15, arbitrary: fc.record({ _tag: fc.constantFrom("terminate", "restart", "delete"), id }) },
    { weight: 40, arbitrary: fc.record({ _tag: fc.constant("exit" as const), id, exit: fc.constantFrom(...exits) }) },
    { weight: 10, arbitrary: fc.record({ _tag: fc.constant("failNextStart" as const), id, times: fc.nat(3) }) },
    {
      weight: 20,
      arbitrary: fc.record({ _tag: fc.constant("advance" as const), millis: fc.constantFrom(1, 999, 1000, 1001, 5000) })
    },
    {
      weight: 7,
      arbitrary: fc.record({
        _tag: fc.constant("slowStop" as const),
        id,
        millis: fc.constantFrom(0, 307, 1709)
      })
    },
    {
      weight: 5,
      arbitrary: fc.record({
        _tag: fc.constant("changeSpecs" as const),
        flags: flags(autoShutdowns(canBeSignificant)),
        specs: specs(canBeSignificant)
      })
    },
    { weight: 1, arbitrary: fc.record({ _tag: fc.constantFrom("stop", "killSupervisor") }) }
  )

export interface Life {
  readonly flags: ModelFlags
  readonly specs: ReadonlyArray<ModelSpec>
}

/** How a supervisor begins, and what happens to it in up to 50 steps. */
export const lives = fc.boolean().chain((canBeSignificant) =>
  fc.record({
    life: fc.record({
      flags: flags(autoShutdowns(canBeSignificant)),
      specs: specs(canBeSignificant)
    }),
    commands: fc.commands([operation(canBeSignificant).map((operation) => new Command(operation))], {
      maxCommands: 50,
      size: "max"
    })
  })
)

/** CI leads the same lives in every run, so that a red run is about the change; `FC_SEED` leads others. */
const seedDefault = 20_261_121

/** Under small step budgets each test runs once per seed, so that each run leads only this share of the lives. */
const stepsShare = 250

/** `npm run test:fast` is for every change: it is content with a quarter of the lives. */
const fastShare = process.env["TEST_FAST"] === undefined ? 1 : 1 / 4

/** Runs as often as asked; a failure prints seed and path, and `FC_SEED=… FC_PATH=… vitest run FILE` replays it. */
export const parameters = (numRuns: number, seedOffset = 0): fc.Parameters<unknown> => ({
  numRuns: Math.ceil(numRuns * fastShare / (seed === undefined ? 1 : stepsShare)),
  seed: process.env["FC_SEED"] === undefined
    ? (currentSeed() ?? seedDefault) + seedOffset
    : Number(process.env["FC_SEED"]),
  ...(process.env["FC_PATH"] === undefined ? {} : { path: process.env["FC_PATH"] })
})
