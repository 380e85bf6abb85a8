/** Children that write down what happens to them, and effects to make things happen to them. */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Supervisor from "../../../src/services/supervision/Supervisor.ts"

export class Boom {
  readonly _tag = "Boom"
  readonly id: string
  constructor(id: string) {
    this.id = id
  }
}

type End = Effect.Effect<void, Boom>

export interface Trace {
  /** `+a` a started, `-a` a's finalizer ran. */
  readonly log: Array<string>
  /** Text of the log since the last call. */
  readonly take: () => string
  readonly child: (
    id: string,
    options?: Partial<Omit<Supervisor.ChildOptions, "id">>
  ) => ReturnType<typeof Supervisor.child<Boom, never>>
  /** Lets the next `times` starts of a child fail. */
  readonly failStart: (id: string, times: number) => void
  /** Ends the running child: with an error unless told otherwise. */
  readonly end: (id: string, how?: End) => Effect.Effect<void>
  readonly instance: (id: string) => number
}

export const make = (): Trace => {
  const log: Array<string> = []
  const failures = new Map<string, number>()
  const ends = new Map<string, Deferred.Deferred<void, Boom>>()
  const instances = new Map<string, number>()
  let next = 0
  return {
    log,
    take: () => log.splice(0).join(" "),
    child: (id, options) =>
      Supervisor.child({
        id,
        ...options,
        start: Effect.gen(function*() {
          const left = failures.get(id) ?? 0
          failures.set(id, left - 1)
          if (left > 0) {
            log.push(`!${id}`)
            return yield* Effect.fail(new Boom(id))
          }
          yield* Effect.acquireRelease(
            Effect.sync(() => log.push(`+${id}`)),
            () => Effect.sync(() => log.push(`-${id}`))
          )
          const end = Deferred.makeUnsafe<void, Boom>()
          ends.set(id, end)
          instances.set(id, ++next)
          return Deferred.await(end)
        })
      }),
    failStart: (id, times) => failures.set(id, times),
    end: (id, how = Effect.fail(new Boom(id))) =>
      Effect.gen(function*() {
        const end = ends.get(id)
        if (end === undefined) return yield* Effect.die(`${id} never started`)
        yield* Deferred.complete(end, how)
        yield* settle
      }),
    instance: (id) => instances.get(id) ?? 0
  }
}

/** Lets everything run that can run without time passing. */
export const settle: Effect.Effect<void> = Effect.repeat(Effect.yieldNow, { times: 50 })
