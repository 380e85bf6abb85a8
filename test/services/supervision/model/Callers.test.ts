import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as Scheduler from "effect/Scheduler"
import * as TestClock from "effect/testing/TestClock"
import * as fc from "fast-check"
import * as Supervisor from "../../../../src/services/supervision/Supervisor.ts"
import { type ModelSpec, stopLimitMillis } from "../../../../src/services/supervision/testing/SupervisorModel.ts"
import { operation, parameters, spec } from "../../../domain/supervision/SupervisorCommands.ts"
import { passTime } from "../../../support/StepBudget.ts"
import { withoutLeaks } from "../fixtures/Leaks.ts"
import { Boom, ends, settle, type Spec, Trace } from "../fixtures/Trace.ts"
import { type Answered, type Call, explain, type Start } from "./Linearization.ts"
import { replyOf } from "./ModelledLife.ts"

const ids = ["a", "b", "c"] as const

/** Nothing here waits for a backoff, whose end would be one more caller. */
const plainSpec = spec(fc.constantFrom(...ids), false).map((one): ModelSpec => ({ ...one, backoffMillis: 0 }))

type Exit = Extract<Call, { readonly _tag: "exit" }>["operation"]
type Wanted = Exclude<Call, { readonly _tag: "exit" }> | { readonly _tag: "exit"; readonly operation: Exit }

const anyOperation = operation(false)
const requests = anyOperation.filter(({ _tag }) => ["terminate", "restart", "delete"].includes(_tag))
  .map((one): Wanted => ({ _tag: "request", operation: one }))
const additions = plainSpec.map((one): Wanted => ({ _tag: "request", operation: { _tag: "startChild", spec: one } }))
const exits = fc.record({
  _tag: fc.constant("exit" as const),
  id: fc.constantFrom(...ids),
  exit: fc.constantFrom("normal" as const, "shutdown" as const, "failure" as const, "killed" as const)
}).map((one): Wanted => ({ _tag: "exit", operation: one }))
const looks = fc.constantFrom<Wanted>({ _tag: "which" }, { _tag: "count" })

const startTurns = 3

/** Each call after so many turns in which the others may run. */
const program = (wanted: fc.Arbitrary<Wanted>) =>
  fc.array(fc.record({ wanted, turns: fc.nat(2) }), { minLength: 1, maxLength: 4 })

const starts = fc.record({
  flags: fc.record({
    strategy: fc.constantFrom("one_for_one" as const, "one_for_all" as const, "rest_for_one" as const),
    maxRestarts: fc.constant(1000),
    periodMillis: fc.constant(5000),
    autoShutdown: fc.constant("never" as const)
  }),
  specs: fc.uniqueArray(plainSpec, { selector: ({ id }) => id, maxLength: ids.length })
})

const arranged = fc.array(
  fc.oneof(
    fc.record({ _tag: fc.constant("failNextStart" as const), id: fc.constantFrom(...ids), times: fc.nat(2) }),
    fc.record({
      _tag: fc.constant("slowStop" as const),
      id: fc.constantFrom(...ids),
      millis: fc.constantFrom(307, 1709)
    })
  ),
  { maxLength: 3 }
)

/**
 * Ends by themselves under one_for_one only, and without failing starts and slow stops: else a look would find any step
 * of a restart, not just one.
 */
const lives = fc.oneof(
  fc.record({
    start: fc.record({ begin: starts, arrangements: arranged }),
    programs: fc.array(program(fc.oneof(requests, additions, looks)), { minLength: 2, maxLength: 3 })
  }),
  fc.record({
    start: fc.record({
      begin: starts.map(({ flags, specs }) => ({ flags: { ...flags, strategy: "one_for_one" as const }, specs })),
      arrangements: fc.constant([])
    }),
    programs: fc.array(program(fc.oneof(requests, additions, exits, looks)), { minLength: 2, maxLength: 3 })
  })
).map(({ programs, start: { arrangements, begin } }) => ({
  start: { ...begin, arrangements } satisfies Start,
  programs
}))

type Programs = ReadonlyArray<ReadonlyArray<{ readonly wanted: Wanted; readonly turns: number }>>

const lead = Effect.fnUntraced(function*(start: Start, programs: Programs, steps: number) {
  const trace = new Trace()
  const slow = new Map<string, number>()
  const childOf = ({ id, restart }: ModelSpec): Spec =>
    trace.child(id, {
      restart,
      shutdown: stopLimitMillis,
      // Others have a turn while the supervisor waits for the start.
      starting: Effect.repeat(Effect.yieldNow, { times: startTurns }),
      stop: Effect.suspend(() => Effect.sleep(slow.get(id) ?? 0))
    })
  const supervisor = yield* Supervisor.start({
    id: "root",
    strategy: start.flags.strategy,
    intensity: { maxRestarts: start.flags.maxRestarts, period: start.flags.periodMillis },
    children: start.specs.map(childOf)
  })
  for (const operation of start.arrangements) {
    if (operation._tag === "failNextStart") trace.failStart(operation.id, operation.times)
    if (operation._tag === "slowStop") slow.set(operation.id, operation.millis)
  }

  const look = {
    which: Effect.match(supervisor.whichChildren, {
      onSuccess: (infos) => infos.map(({ id, status }) => `${id}:${status}`).join(" "),
      onFailure: () => "gone"
    }),
    count: Effect.match(supervisor.countChildren, {
      onSuccess: ({ active, specs, supervisors, workers }) => `${specs}/${active}/${supervisors}/${workers}`,
      onFailure: () => "gone"
    })
  }
  let now = 0
  const answered = <C extends Call>(call: C, ask: Effect.Effect<string>) =>
    Effect.gen(function*() {
      const askedAt = ++now
      const reply = yield* ask
      const answeredAt = call._tag === "exit" ? Number.POSITIVE_INFINITY : ++now
      return { call, reply, askedAt, answeredAt } satisfies Answered
    })

  const carryOut = (wanted: Wanted): Effect.Effect<Answered> =>
    Effect.suspend(() => {
      if (wanted._tag === "exit") {
        const { exit, id } = wanted.operation
        const count = (word: string) => trace.log.filter((one) => one === word).length
        const life = count(`+${id}`)
        // An end during a start would be a failed start, which is tried again, and a look could find that, too.
        if (life === count(`-${id}`)) return answered({ ...wanted, life: 0 }, Effect.succeed(""))
        const how = exit === "killed" ? "kill" : exit === "failure" ? Effect.fail(new Boom(id)) : ends[exit]
        return answered({ ...wanted, life }, Effect.as(trace.endNow(id, how), ""))
      }
      if (wanted._tag !== "request") return answered(wanted, look[wanted._tag])
      const { operation } = wanted
      switch (operation._tag) {
        case "startChild":
          return answered(wanted, replyOf(supervisor.startChild(childOf(operation.spec))))
        case "terminate":
          return answered(wanted, replyOf(supervisor.terminateChild(operation.id)))
        case "restart":
          return answered(wanted, replyOf(supervisor.restartChild(operation.id)))
        case "delete":
          return answered(wanted, replyOf(supervisor.deleteChild(operation.id)))
        default:
          return Effect.die(new Error(`${operation._tag} is no request of these callers`))
      }
    })

  const callers = yield* Effect.forEach(
    programs,
    (calls) =>
      Effect.forEach(
        calls,
        ({ turns, wanted }) => Effect.andThen(Effect.repeat(Effect.yieldNow, { times: turns }), carryOut(wanted))
      ).pipe(
        Effect.provideService(Scheduler.MaxOpsBeforeYield, steps),
        Effect.forkChild
      )
  )
  yield* settle
  for (let waited = 0; waited < 50 && callers.some((fiber) => fiber.pollUnsafe() === undefined); waited += 1) {
    yield* passTime(500)
    yield* settle
  }
  const answers = yield* Effect.forEach(callers, Fiber.join)
  yield* settle
  const end = { which: yield* look.which, counts: yield* look.count }
  // What was left behind ends in its own time, and nothing takes time any more when the supervisor is stopped.
  slow.clear()
  yield* passTime("1 minute")
  return { answers, end }
})

/** Whether one of the calls was asked before another caller's was answered. */
const isInterleaved = (callers: ReadonlyArray<ReadonlyArray<Answered>>): boolean =>
  callers.some((calls, index) =>
    calls.some(({ answeredAt, askedAt, call }) =>
      call._tag === "request" &&
      callers.some((others, other) =>
        other !== index &&
        others.some((one) => one.call._tag === "request" && one.askedAt < answeredAt && askedAt < one.answeredAt)
      )
    )
  )

describe("Callers at the same time", () => {
  it(
    "get answers, and see children, that the model gives in some order of their calls",
    async () => {
      let interleaved = 0
      let runs = 0
      await fc.assert(
        fc.asyncProperty(lives, fc.constantFrom(5, 9, 17, 33, 2048), async ({ programs, start }, steps) => {
          const { answers, end } = await Effect.runPromise(
            withoutLeaks(Effect.andThen(passTime(0), lead(start, programs, steps))).pipe(
              Effect.provideService(Scheduler.MaxOpsBeforeYield, steps),
              Effect.provide([TestClock.layer(), Logger.layer([])])
            )
          )
          runs += 1
          if (isInterleaved(answers)) interleaved += 1
          assert.isDefined(explain(start, answers, end), JSON.stringify({ answers, end }, undefined, 1))
        }),
        parameters(1500)
      )
      // Few lives under a small step budget may happen to have few.
      if (runs > 100) assert.isAbove(interleaved, runs / 3)
    },
    240_000
  )

  describe("are held to it", () => {
    const start: Start = {
      flags: { strategy: "one_for_one", maxRestarts: 3, periodMillis: 5000, autoShutdown: "never" },
      specs: [{ id: "a", restart: "permanent", significant: false, backoffMillis: 0 }],
      arrangements: []
    }
    const request = (
      tag: "terminate" | "restart" | "delete",
      reply: string,
      at: readonly [number, number]
    ): Answered => ({
      call: { _tag: "request", operation: { _tag: tag, id: "a" } },
      reply,
      askedAt: at[0],
      answeredAt: at[1]
    })
    const which = (reply: string, at: readonly [number, number]): Answered => ({
      call: { _tag: "which" },
      reply,
      askedAt: at[0],
      answeredAt: at[1]
    })
    const stopped = { which: "a:stopped", counts: "1/0/0/1" }

    it("by their answers", () => {
      const terminated = request("terminate", "ok", [1, 4])

      assert.isDefined(explain(start, [[terminated], [request("restart", "running", [2, 3])]], stopped))
      assert.isUndefined(explain(start, [[terminated], [request("restart", "stopped", [2, 3])]], stopped))
      assert.isUndefined(explain(start, [[terminated], [request("restart", "running", [5, 6])]], stopped))
    })

    it("by what they see of the children, meanwhile and at the end", () => {
      const terminated = request("terminate", "ok", [1, 4])

      assert.isDefined(explain(start, [[terminated], [which("a:running", [2, 3])]], stopped))
      assert.isUndefined(explain(start, [[terminated], [which("a:running", [5, 6])]], stopped))
      assert.isUndefined(explain(start, [[terminated], [which("", [2, 3])]], stopped))
      assert.isUndefined(explain(start, [[terminated]], { which: "a:running", counts: "1/1/0/1" }))
    })
  })
})
