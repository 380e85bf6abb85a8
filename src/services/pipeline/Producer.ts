/**
 * Where a pipeline's messages come from: connected once per life of the producer, then asked again and again for at
 * most as many messages as the pipeline has room for.
 *
 * A pull may wait as long as it likes, for a drain interrupts it; what a broker had sent to an interrupted pull is not
 * acknowledged and comes again. An empty answer means "nothing now". `Cause.Done` ends the producer for good; a
 * failure restarts it, with a new connection.
 */
import { type Cause, Effect, type Scope, Stream } from "effect"

export type Pull<out In, out E, out R> = (demand: number) => Effect.Effect<ReadonlyArray<In>, E | Cause.Done, R>

export interface Producer<out In, out E, out R> {
  readonly connect: Effect.Effect<Pull<In, E, R>, E, R | Scope.Scope>
}

/** From a function that answers a demand, as a pull consumer of a broker does. */
export const fromPull = <In, E, R>(pull: Pull<In, E, R>): Producer<In, E, R> => ({ connect: Effect.succeed(pull) })

/** From a function that has to be acquired first; released when the producer stops or is restarted. */
export const fromConnect = <In, E, E2, R, R2 = never>(
  connect: Effect.Effect<Pull<In, E, R>, E2, R2 | Scope.Scope>
): Producer<In, E | E2, R | R2> => ({ connect })

/** From a stream, pulled chunk by chunk; a restart runs it from its beginning. */
export const fromStream = <In, E, R>(stream: Stream.Stream<In, E, R>): Producer<In, E, R> => ({
  connect: Effect.map(Stream.toPull(stream), (next) => {
    let rest: ReadonlyArray<In> = []
    return (demand) =>
      Effect.map(rest.length > 0 ? Effect.succeed(rest) : next, (chunk) => {
        rest = chunk.slice(demand)
        return chunk.length <= demand ? chunk : chunk.slice(0, demand)
      })
  })
})
