/**
 * Passes on to pollers what others on this host have found, such as the devices of `sync`: a few at a time, because what is
 * on its way is memory of the agent.
 *
 * Whatever is passed on lives in `serve`, which is to be a child of the agent's tree: it ends with the child, and while that
 * does not run nothing is passed on. Those who come when all turns are taken wait for one as long as they like, so many of
 * them.
 */
import { Context, Deferred, Effect, Layer, Schema, type Scope, Semaphore, Stream } from "effect"

/** So many wait for a turn already. */
export class ResultsBusy extends Schema.TaggedError<ResultsBusy>()("ResultsBusy", { waitingMax: Schema.Int }) {
  override get message(): string {
    return `${this.waitingMax} requests for results wait for their turn already: ask less often, or later`
  }
}

/** The child is starting, stopping or being restarted. */
export class ResultsNotReady extends Schema.TaggedError<ResultsNotReady>()("ResultsNotReady", {}) {
  override get message(): string {
    return "The agent passes no results on at the moment: ask again"
  }
}

export type ResultsError = ResultsBusy | ResultsNotReady

export interface SyncResultsOptions {
  /** Passed on at once: a stream holds a message or two, of 4 MiB at the most. 16 unless told. */
  readonly turnsMax?: number
  /** Those who wait. 256 unless told. */
  readonly waitingMax?: number
}

export class SyncResults extends Context.Service<SyncResults, {
  /** In its turn. */
  readonly one: <A, E, R>(results: Effect.Effect<A, E, R>) => Effect.Effect<A, E | ResultsError, R>
  /** In its turn, which lasts until the stream is read to its end or let go. */
  readonly many: <A, E, R>(results: Stream.Stream<A, E, R>) => Stream.Stream<A, E | ResultsError, R>
  /** Passes on until the scope closes. */
  readonly serve: Effect.Effect<void, never, Scope.Scope>
}>()("serviceradar/services/agent/SyncResults") {
  static readonly layer = (options: SyncResultsOptions = {}): Layer.Layer<SyncResults> =>
    Layer.sync(SyncResults, () => make(options))
}

const make = ({ turnsMax = 16, waitingMax = 256 }: SyncResultsOptions) => {
  const turns = Semaphore.makeUnsafe(turnsMax)
  let waiting = 0
  let life: Deferred.Deferred<never, ResultsNotReady> | undefined

  /** The end of the life in which the turn was taken. */
  const turn = Effect.suspend((): Effect.Effect<Effect.Effect<never, ResultsNotReady>, ResultsError, Scope.Scope> => {
    const current = life
    if (current === undefined) return new ResultsNotReady()
    const ended = Deferred.await(current)
    if (waiting >= waitingMax) return new ResultsBusy({ waitingMax })
    waiting += 1
    return Effect.raceFirst(turns.takeScoped(1), ended).pipe(
      Effect.ensuring(Effect.sync(() => {
        waiting -= 1
      })),
      Effect.as(ended)
    )
  })

  return SyncResults.of({
    one: (results) => Effect.scoped(Effect.flatMap(turn, (ended) => Effect.raceFirst(results, ended))),
    many: (results) => Stream.unwrap(Effect.map(turn, (ended) => Stream.interruptWhen(results, ended))),
    serve: Effect.asVoid(Effect.acquireRelease(
      Effect.sync(() => life = Deferred.makeUnsafe<never, ResultsNotReady>()),
      (mine) =>
        Effect.suspend(() => {
          if (life === mine) life = undefined
          return Deferred.fail(mine, new ResultsNotReady())
        })
    ))
  })
}
