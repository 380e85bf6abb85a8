/**
 * Small trees with one fault each that supervision alone does not cure, and the same trees without it: what the test kit is
 * measured by.
 */
import { Clock, Deferred, Effect, Queue, Ref, Schedule, type Scope, Semaphore } from "effect"
import * as Backoff from "../../../../../src/domain/backoff/Backoff.ts"
import * as Registry from "../../../../../src/services/supervision/Registry.ts"
import * as Supervisor from "../../../../../src/services/supervision/Supervisor.ts"
import * as TreeCheck from "../../../../../src/services/supervision/testing/TreeCheck.ts"

export interface Plant {
  readonly name: string
  readonly make: (isFaulty: boolean) => Effect.Effect<TreeCheck.Subject<Scope.Scope>>
}

const plant = (name: string, make: Plant["make"]): Plant => ({ name, make })

const promise = (
  name: string,
  when: TreeCheck.Promised["when"],
  broken: () => string | undefined
): TreeCheck.Promised => ({ name, when, broken: Effect.sync(broken) })

const every = (millis: number, what: Effect.Effect<unknown>) =>
  Effect.forever(Effect.andThen(Effect.sleep(millis), what))

/** A connection, and a worker that keeps the one it found at its start. */
const connectionAndWorker = (strategy: "one_for_one" | "rest_for_one", isWorkerFirst: boolean) =>
  Effect.sync(() => {
    let current = 0
    let used = 0
    const connection = Supervisor.child({
      id: "connection",
      start: Effect.sync(() => {
        current += 1
        return Effect.never
      })
    })
    const worker = Supervisor.child({
      id: "worker",
      start: Effect.sync(() => {
        used = current
        return Effect.never
      })
    })
    return TreeCheck.subject(
      {
        id: "store",
        strategy,
        intensity: { maxRestarts: 20, period: "1 second" },
        children: isWorkerFirst ? [worker, connection] : [connection, worker]
      },
      [promise(
        "the worker uses the connection that lives",
        "healed",
        () => used === current ? undefined : `it uses number ${used} of ${current}`
      )]
    )
  })

export const plants: ReadonlyArray<Plant> = [
  plant("wrong strategy", (isFaulty) => connectionAndWorker(isFaulty ? "one_for_one" : "rest_for_one", false)),

  plant(
    "dependent before its provider",
    (isFaulty) => isFaulty ? connectionAndWorker("rest_for_one", true) : connectionAndWorker("rest_for_one", false)
  ),

  plant("missing restart", (isFaulty) =>
    Effect.sync(() => {
      let beats = 0
      return TreeCheck.subject(
        {
          id: "clock",
          strategy: "one_for_one",
          intensity: { maxRestarts: 20, period: "1 second" },
          children: [Supervisor.child({
            id: "beat",
            restart: isFaulty ? "transient" : "permanent",
            run: every(1_000, Effect.sync(() => beats += 1))
          })]
        },
        [promise("the clock beats", "healed", () => {
          const counted = beats
          beats = 0
          return counted > 0 ? undefined : "it does not"
        })]
      )
    })),

  plant("leaked resource", (isFaulty) =>
    Effect.sync(() => {
      let open = 0
      const acquire = Effect.sync(() => {
        open += 1
      })
      const release = Effect.sync(() => {
        open -= 1
      })
      return TreeCheck.subject(
        {
          id: "files",
          strategy: "one_for_one",
          intensity: { maxRestarts: 20, period: "1 second" },
          children: [Supervisor.child({
            id: "reader",
            start: isFaulty
              ? Effect.as(acquire, Effect.ensuring(Effect.sleep("1 hour"), Effect.void))
              : Effect.as(Effect.acquireRelease(acquire, () => release), Effect.sleep("1 hour"))
          })]
        },
        [promise("nothing stays open", "stopped", () => open === 0 ? undefined : `${open} files are open`)]
      )
    })),

  plant("unbounded mailbox", (isFaulty) =>
    Effect.gen(function*() {
      const mailbox = isFaulty ? yield* Queue.unbounded<number>() : yield* Queue.dropping<number>(50)
      return TreeCheck.subject(
        {
          id: "post",
          strategy: "one_for_one",
          intensity: { maxRestarts: 20, period: "1 second" },
          children: [
            Supervisor.child({
              id: "reader",
              run: Effect.forever(Effect.andThen(Queue.take(mailbox), Effect.sleep("18 millis")))
            }),
            Supervisor.child({ id: "writer", run: every(20, Queue.offer(mailbox, 1)) })
          ]
        },
        [{
          name: "at most 50 letters wait",
          when: "always",
          broken: Effect.map(Queue.size(mailbox), (size) => size <= 50 ? undefined : `${size} wait`)
        }]
      )
    })),

  plant("fiber forked and forgotten", (isFaulty) =>
    Effect.sync(() => {
      let tickers = 0
      const ticking = Effect.acquireUseRelease(
        Effect.sync(() => tickers += 1),
        () => Effect.forever(Effect.sleep("1 second")),
        () => Effect.sync(() => tickers -= 1)
      )
      return TreeCheck.subject(
        {
          id: "metrics",
          strategy: "one_for_one",
          intensity: { maxRestarts: 20, period: "1 second" },
          children: [Supervisor.child({
            id: "publisher",
            start: Effect.as(isFaulty ? Effect.forkDetach(ticking) : Effect.forkScoped(ticking), Effect.never)
          })]
        },
        [promise("one ticker ticks", "healed", () => tickers <= 1 ? undefined : `${tickers} do`)]
      )
    })),

  plant("state in the child that should survive it", (isFaulty) =>
    Effect.gen(function*() {
      const outside = yield* Ref.make(0)
      let seconds = 0
      let seen = 0
      const count = (inside: Ref.Ref<number>) =>
        every(
          1_000,
          Effect.map(Ref.updateAndGet(inside, (value) => value + 1), (value) => {
            seconds += 1
            seen = value
          })
        )
      return TreeCheck.subject(
        {
          id: "meter",
          strategy: "one_for_one",
          intensity: { maxRestarts: 20, period: "1 second" },
          children: [Supervisor.child({
            id: "count",
            start: Effect.map(isFaulty ? Ref.make(0) : Effect.succeed(outside), count)
          })]
        },
        [promise("the meter never goes back", "healed", () => seen === seconds ? undefined : `${seen} of ${seconds}`)]
      )
    })),

  plant("retry that waits for nothing", (isFaulty) =>
    Effect.sync(() => {
      let failures = 0
      /** Fails from its second life on. */
      const call = Effect.suspend(() => {
        failures += 1
        return failures === 1 ? Effect.never : Effect.fail("no")
      })
      return TreeCheck.subject({
        id: "client",
        strategy: "one_for_one",
        intensity: { maxRestarts: 20, period: "1 second" },
        children: [Supervisor.child({
          id: "caller",
          run: isFaulty
            ? Effect.retry(call, { schedule: Schedule.forever })
            : Effect.retry(call, Backoff.capped({ from: "1 second", to: "10 seconds" }))
        })]
      })
    })),

  plant("permit that is not given back", (isFaulty) =>
    Effect.gen(function*() {
      const permits = yield* Semaphore.make(1)
      let done = 0
      const job = Effect.andThen(Effect.sleep("500 millis"), Effect.sync(() => done += 1))
      const guarded = isFaulty
        ? permits.take(1).pipe(Effect.andThen(job), Effect.andThen(permits.release(1)))
        : permits.withPermits(1)(job)
      return TreeCheck.subject(
        {
          id: "shared",
          strategy: "one_for_one",
          intensity: { maxRestarts: 20, period: "1 second" },
          children: [Supervisor.child({ id: "user", run: Effect.forever(guarded) })]
        },
        [promise("jobs go on", "healed", () => {
          const counted = done
          done = 0
          return counted > 5 ? undefined : `${counted} were done while nothing was in the way`
        })]
      )
    })),

  plant("stop that never ends", (isFaulty) =>
    Effect.gen(function*() {
      const never = yield* Deferred.make<void>()
      return TreeCheck.subject({
        id: "server",
        strategy: "one_for_one",
        intensity: { maxRestarts: 20, period: "1 second" },
        children: [Supervisor.child({
          id: "listener",
          shutdown: isFaulty ? "infinity" : "5 seconds",
          run: Effect.uninterruptible(
            Effect.raceFirst(Deferred.await(never), Effect.sleep(isFaulty ? "1 day" : "3 seconds"))
          )
        })]
      })
    })),

  plant("name taken twice after a restart", (isFaulty) =>
    Effect.gen(function*() {
      const names = yield* Registry.make<string>("names")
      let starts = 0
      const named = (id: string) =>
        Supervisor.child({
          id,
          start: Effect.gen(function*() {
            starts += 1
            yield* names.register(isFaulty && starts > 2 ? "leader" : id, id)
            return Effect.never
          })
        })
      return TreeCheck.subject({ id: "election", strategy: "one_for_all", children: [named("first"), named("second")] })
    })),

  plant("job taken before it is done", (isFaulty) =>
    Effect.sync(() => {
      const jobs = Array.from({ length: 20 }, (_, index) => index)
      const done = new Set<number>()
      const work = Effect.suspend(() => {
        const job = isFaulty ? jobs.shift() : jobs[0]
        if (job === undefined) return Effect.sleep("1 second")
        return Effect.andThen(
          Effect.sleep("700 millis"),
          Effect.sync(() => {
            done.add(job)
            if (!isFaulty) jobs.shift()
          })
        )
      })
      return TreeCheck.subject(
        {
          id: "queue",
          strategy: "one_for_one",
          intensity: { maxRestarts: 20, period: "1 second" },
          children: [Supervisor.child({ id: "worker", run: Effect.forever(work) })]
        },
        [promise("every job is done", "healed", () => done.size === 20 ? undefined : `${20 - done.size} are lost`)]
      )
    })),

  plant("lease taken over before it ends", (isFaulty) =>
    Effect.sync(() => {
      let untilMillis = 0
      let holders = 0
      const hold = Effect.gen(function*() {
        const now = yield* Clock.currentTimeMillis
        if (!isFaulty && untilMillis > now) yield* Effect.sleep(untilMillis - now)
        const renew = Effect.map(Clock.currentTimeMillis, (millis) => untilMillis = millis + 5_000)
        yield* renew
        yield* Effect.acquireRelease(
          Effect.sync(() => holders += 1),
          // What it holds outside outlives a crash by a second, also when the lease could not be renewed for long.
          () =>
            Effect.gen(function*() {
              untilMillis = Math.max(untilMillis, (yield* Clock.currentTimeMillis) + 2_000)
              yield* Effect.sync(() => holders -= 1).pipe(
                Effect.delay("1 second"),
                Effect.forkDetach({ startImmediately: true })
              )
            })
        )
        return every(1_000, renew)
      })
      return TreeCheck.subject(
        {
          id: "leader",
          strategy: "one_for_one",
          intensity: { maxRestarts: 20, period: "1 second" },
          children: [Supervisor.child({ id: "holder", start: hold })]
        },
        [promise("one holder at a time", "always", () => holders <= 1 ? undefined : `${holders} hold it`)]
      )
    }))
]
