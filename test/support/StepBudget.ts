/**
 * Small step budgets: Effect's fibers give way after so many steps, at any point, also between two that look like one.
 *
 * Without `STEPS_SEED` nothing changes. With it (`npm run test:steps`) each test draws a budget between 5 and 120 from
 * the seed, its own name and how often it has run, so that a red test is replayed by its seed alone.
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Scheduler from "effect/Scheduler"
import * as TestClock from "effect/testing/TestClock"

const least = 5
const most = 120

export const seed: number | undefined = process.env["STEPS_SEED"] === undefined
  ? undefined
  : Number(process.env["STEPS_SEED"])

const state = { budget: Number.POSITIVE_INFINITY, seed, steps: 0, settling: undefined as number | undefined }

/** FNV-1a of the text, spread by one more multiplication. */
const hash = (text: string): number => {
  let value = 2_166_136_261
  for (let index = 0; index < text.length; index += 1) {
    value = Math.imul(value ^ text.charCodeAt(index), 16_777_619)
  }
  return Math.imul(value ^ (value >>> 15), 2_246_822_507) >>> 0
}

/** The budget of a test, by seed. */
export const draw = (seed: number, test: string): number => least + hash(`${seed} ${test}`) % (most - least + 1)

export const use = (budget: number, seed: number): void => {
  state.budget = budget
  state.seed = seed
}

/** The seed of the test that runs, for what else it draws: each seed leads other lives. */
export const currentSeed = (): number | undefined => state.seed

/** Lets every fiber of this process give way after the budget in use. */
export const install = (): void => {
  Scheduler.MixedScheduler.prototype.shouldYield = (fiber: Fiber.Fiber<unknown, unknown>) => {
    if (fiber.id !== state.settling) state.steps += 1
    return fiber.currentOpCount >= Math.min(state.budget, fiber.cache.maxOpsBeforeYield)
  }
}

/** Turns without a step of anybody else after which nothing is left to run. */
const quietTurns = 4
const turnsMax = 3000

/** Gives way `times` times; under a small budget, until nobody else has anything to do. */
export const giveWay = (times: number): Effect.Effect<void> =>
  seed === undefined ? Effect.asVoid(Effect.repeat(Effect.yieldNow, { times })) : Effect.withFiber((fiber) => {
    const before = state.settling
    state.settling = fiber.id
    let quiet = 0
    let turns = 0
    let seen = state.steps
    const turn: Effect.Effect<void> = Effect.flatMap(Effect.yieldNow, () => {
      quiet = state.steps === seen ? quiet + 1 : 0
      seen = state.steps
      turns += 1
      return (turns >= times && quiet >= quietTurns) || turns >= turnsMax ? Effect.void : turn
    })
    return Effect.ensuring(turn, Effect.sync(() => (state.settling = before)))
  })

/**
 * Lets time pass on the test clock. A test that forks something and then lets time pass takes for granted that what it
 * forked waits by then; under a small budget it has to be given the turns for that, and for what comes of the time.
 */
export const passTime = (duration: Duration.Input): Effect.Effect<void> =>
  seed === undefined
    ? TestClock.adjust(duration)
    : giveWay(1).pipe(Effect.andThen(TestClock.adjust(duration)), Effect.andThen(giveWay(1)))
