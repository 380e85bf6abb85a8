/**
 * Does one thing to many dead letters, and says of each whether it was done.
 *
 * Some failing does not keep others from it; but after several failures in a row the server is taken for gone, and the
 * rest stays as it is.
 */
import { Effect, Ref } from "effect"
import { type DeadLetterError, DeadLetters } from "../../services/events/DeadLetters.ts"

/** At once; the server answers each in a millisecond or two. */
const concurrency = 16

const failuresInARowMax = 32

export interface Action {
  readonly present: string
  readonly past: string
  readonly run: (id: string) => Effect.Effect<void, DeadLetterError, DeadLetters>
}

export const replay: Action = {
  present: "Replay",
  past: "Replayed",
  run: (id) => DeadLetters.use((letters) => letters.replay(id))
}

export const drop: Action = {
  present: "Drop",
  past: "Dropped",
  run: (id) => DeadLetters.use((letters) => letters.drop(id))
}

export interface Failed {
  readonly id: string
  readonly error: string
}

export interface Changed {
  readonly done: number
  readonly failed: ReadonlyArray<Failed>
  /** Not even tried. */
  readonly untouched: number
}

export interface ChangeOptions {
  /** Told of each, in the order in which they end; the error is empty when it was done. */
  readonly onEach: (result: Failed) => Effect.Effect<void>
}

export const change = Effect.fn("DeadLetterChange.change")(
  function*(action: Action, ids: ReadonlyArray<string>, options: ChangeOptions) {
    const failuresInARow = yield* Ref.make(0)
    const failed: Array<Failed> = []
    let done = 0

    const one = Effect.fnUntraced(function*(id: string) {
      if ((yield* Ref.get(failuresInARow)) >= failuresInARowMax) return
      const error = yield* Effect.match(action.run(id), {
        onFailure: (error) => error,
        onSuccess: () => undefined
      })
      if (error === undefined) {
        done += 1
        yield* Ref.set(failuresInARow, 0)
        return yield* options.onEach({ id, error: "" })
      }
      const failure = { id, error: error.isMissing ? "there is no such dead letter" : error.message }
      failed.push(failure)
      if (!error.isMissing) yield* Ref.update(failuresInARow, (count) => count + 1)
      yield* options.onEach(failure)
    })

    yield* Effect.forEach(ids, one, { concurrency, discard: true })
    return { done, failed, untouched: ids.length - done - failed.length } satisfies Changed
  }
)
