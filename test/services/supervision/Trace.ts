/** Children that write down what happens to them, and effects that make things happen to them. */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import type { ChildSpec } from "../../../src/services/supervision/ChildSpec.ts"
import * as Supervisor from "../../../src/services/supervision/Supervisor.ts"

export class Boom {
  readonly _tag = "Boom"
  readonly id: string
  constructor(id: string) {
    this.id = id
  }
}

export type End = Effect.Effect<unknown, Boom>

export type Spec = ChildSpec<Boom, never>

interface Options extends Partial<Omit<Supervisor.ChildOptions, "id">> {
  /** What the finalizer does after it has been noted. */
  readonly stop?: Effect.Effect<unknown>
  /** Runs before the child counts as started. */
  readonly starting?: Effect.Effect<unknown>
  /** The child's life, instead of waiting for `end`. */
  readonly life?: End
  readonly ignores?: boolean
}

export class Trace {
  /** `+a` a started, `!a` a did not start, `-a` a's finalizer ran. */
  readonly log: Array<string> = []
  private readonly failing = new Map<string, number>()
  private readonly ends = new Map<string, Deferred.Deferred<unknown, Boom>>()
  private readonly fibers = new Map<string, Fiber.Fiber<unknown, unknown>>()
  private readonly instances = new Map<string, number>()
  private readonly live = new Set<Fiber.Fiber<unknown, unknown>>()
  private next = 0

  /** Text of the log since the last call. */
  take(): string {
    return this.log.splice(0).join(" ")
  }

  child(id: string, options: Options = {}): Spec {
    return Supervisor.child({
      ...options,
      id,
      start: Effect.gen({ self: this }, function*() {
        yield* this.register(id)
        const left = this.failing.get(id) ?? 0
        if (left > 0) {
          this.failing.set(id, left - 1)
          this.log.push(`!${id}`)
          return yield* Effect.fail(new Boom(id))
        }
        yield* options.starting ?? Effect.void
        if (options.ignores === true) return Supervisor.ignore
        yield* Effect.acquireRelease(
          Effect.sync(() => this.log.push(`+${id}`)),
          () => Effect.andThen(Effect.sync(() => this.log.push(`-${id}`)), options.stop ?? Effect.void)
        )
        const end = Deferred.makeUnsafe<unknown, Boom>()
        this.ends.set(id, end)
        this.instances.set(id, ++this.next)
        return options.life ?? Effect.asVoid(Deferred.await(end))
      })
    })
  }

  private register(id: string): Effect.Effect<void> {
    return Effect.withFiber((fiber) => {
      this.fibers.set(id, fiber)
      this.live.add(fiber)
      fiber.addObserver(() => this.live.delete(fiber))
      return Effect.void
    })
  }

  /** Fibers of children that have not ended. */
  get liveFibers(): number {
    return this.live.size
  }

  /** Lets the next `times` starts of a child fail. */
  failStart(id: string, times: number): void {
    this.failing.set(id, times)
  }

  /** Which start, counted over all children, made the running one: the `pid` of OTP's tests. */
  instance(id: string): number {
    return this.instances.get(id) ?? 0
  }

  /** Ends the running child: with an error, unless told otherwise. */
  end(id: string, how: End = Effect.fail(new Boom(id))): Effect.Effect<void> {
    return Effect.suspend(() => {
      const end = this.ends.get(id)
      return end === undefined ? Effect.die(`${id} never started`) : Deferred.complete(end, how)
    }).pipe(Effect.andThen(settle))
  }

  /** Ends the child if it runs, without waiting for what comes of it. */
  endNow(id: string, how: End | "kill"): Effect.Effect<void> {
    return Effect.suspend(() => {
      const fiber = this.fibers.get(id)
      const end = this.ends.get(id)
      if (fiber === undefined || end === undefined || !this.live.has(fiber)) return Effect.void
      return how === "kill" ? Effect.sync(() => fiber.interruptUnsafe()) : Effect.asVoid(Deferred.complete(end, how))
    })
  }

  /** Interrupts the running child from outside: the nearest there is to OTP's `kill`. */
  kill(id: string): Effect.Effect<void> {
    return Effect.andThen(Effect.sync(() => this.fibers.get(id)?.interruptUnsafe()), settle)
  }
}

/** The ways in which a child can end by itself. */
export const ends = {
  normal: Effect.void,
  shutdown: Supervisor.exitShutdown("done"),
  error: Effect.fail(new Boom("error")),
  defect: Effect.die("defect")
} satisfies Record<string, End>

/** Lets everything run that can run without time passing. */
export const settle: Effect.Effect<void> = Effect.repeat(Effect.yieldNow, { times: 30 }).pipe(Effect.asVoid)

/** The reason of the request that was refused. */
export const refusal = <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<unknown, A> =>
  Effect.map(
    Effect.flip(effect),
    (error) => typeof error === "object" && error !== null && "reason" in error ? error.reason : error
  )
