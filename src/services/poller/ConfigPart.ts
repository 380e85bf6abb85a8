/**
 * A child that is made of a part of the configuration: when that part is another one, another takes its place, and whoever
 * else the configuration speaks of does not notice.
 *
 * One that cannot be started leaves the one before in its place, and the log says why.
 */
import { Duration, Effect, Equal, Exit, Option, Scope, Stream } from "effect"
import type { PollerConfig } from "../../domain/poller/PollerConfig.ts"
import { Fleet } from "./Fleet.ts"

export interface PartOptions<E, R, R1> {
  /** For the log. */
  readonly name: string
  /** All of the configuration that it is made of; compared by value. */
  readonly of: (config: PollerConfig) => unknown
  /** What runs from then on; it ends with the scope. */
  readonly start: (config: PollerConfig, isNext: boolean) => Effect.Effect<Effect.Effect<never, never, R1>, E, R>
  /** Whether the next is started while the one before still runs; else that ends first. */
  readonly isBeside: boolean
}

/** What could not be started, as long as it is wanted. */
const againEvery = Duration.seconds(30)

interface Running<R> {
  readonly config: PollerConfig
  readonly run: Effect.Effect<never, never, R>
  readonly scope: Scope.Closeable
}

/** Two parts: it counts as started when what the present configuration says is. */
export const start = Effect.fnUntraced(
  function*<E extends { readonly message: string }, R, R1>({ isBeside, name, of, start }: PartOptions<E, R, R1>) {
    const { changes, current } = yield* Fleet
    const outer = yield* Effect.scope

    const begin = Effect.fnUntraced(function*(config: PollerConfig, isNext: boolean) {
      const scope = yield* Scope.fork(outer)
      const run = yield* start(config, isNext).pipe(
        Scope.provide(scope),
        Effect.onError((cause) => Scope.close(scope, Exit.failCause(cause)))
      )
      return { config, run, scope } satisfies Running<R1>
    })

    const end = ({ scope }: Pick<Running<never>, "scope">) => Scope.close(scope, Exit.void)

    const refused = (error: E) => Effect.logError(`${name} stays as it was: ${error.message}`)

    const replace = Effect.fnUntraced(function*(before: Running<R1>, config: PollerConfig) {
      if (!isBeside) yield* end(before)
      const next = yield* Effect.result(begin(config, true))
      if (next._tag === "Success") {
        if (isBeside) yield* end(before)
        return next.success
      }
      yield* refused(next.failure)
      return isBeside ? before : yield* begin(before.config, true)
    })

    /** The first configuration in which it is another one. */
    const until = (part: unknown) =>
      changes.pipe(
        Stream.filter(({ config }) => !Equal.equals(of(config), part)),
        Stream.runHead,
        Effect.flatMap(Option.match({ onNone: () => Effect.never, onSome: ({ config }) => Effect.succeed(config) }))
      )

    let running = yield* begin((yield* current).config, false)
    let wanted = running.config
    const isWanted = () => Equal.equals(of(wanted), of(running.config))
    return Effect.forever(Effect.gen(function*() {
      const again = Effect.flatMap(Effect.sleep(againEvery), () => Effect.succeed(wanted))
      wanted = yield* Effect.raceAllFirst([running.run, until(of(wanted)), ...(isWanted() ? [] : [again])])
      if (!isWanted()) running = yield* Effect.uninterruptible(replace(running, wanted))
    }))
  }
)
