/**
 * The circuits of external checkers: one that cannot be reached three times in a row is left alone for 5 s, and for longer
 * the longer that lasts, up to 150 s. These are the times of the checks, see `CheckBackoff`.
 */
import { Cause, Effect, Option, Pull, Stream } from "effect"
import * as Backoff from "../../domain/backoff/Backoff.ts"
import * as CircuitBreaker from "../../services/breaker/CircuitBreaker.ts"
import type { GrpcError } from "../grpc/GrpcError.ts"

export interface CheckerCircuit {
  readonly guard: <A, R>(
    call: Effect.Effect<A, GrpcError, R>
  ) => Effect.Effect<A, GrpcError | CircuitBreaker.CircuitBreakerError, R>
  readonly guardStream: <A, R>(
    stream: Stream.Stream<A, GrpcError, R>
  ) => Stream.Stream<A, GrpcError | CircuitBreaker.CircuitBreakerError, R>
}

const failuresMax = 3
const circuitsMax = 1_024
const unreachable = new Set<string>(["Unavailable", "DeadlineExceeded"])

const classify = (cause: Cause.Cause<GrpcError>) =>
  Option.match(Cause.findErrorOption(cause), {
    onNone: () => "ignored" as const,
    // One that answers, whatever it answers, is there.
    onSome: ({ _tag }) => unreachable.has(_tag) ? "unreachable" as const : "success" as const
  })

export const make = Effect.map(
  CircuitBreaker.make({
    thresholds: { unreachable: failuresMax },
    openDuration: Backoff.capped({ from: "5 seconds", to: "150 seconds" }),
    keysMax: circuitsMax
    // Constants that the check accepts: no configuration reaches it.
  }).pipe(Effect.orDie),
  (breaker) => (key: string): CheckerCircuit => {
    const guard: CheckerCircuit["guard"] = (call) => breaker.execute(call, { key, classify })
    return {
      guard,
      // One that begins to answer is there, however its stream ends.
      guardStream: (stream) =>
        Stream.unwrap(Effect.gen(function*() {
          const pull = yield* Stream.toPull(stream)
          const first = yield* guard(Pull.catchDone(pull, () => Effect.succeed([])))
          return Stream.concat(Stream.fromIterable(first), Stream.fromPull(Effect.succeed(pull)))
        }))
    }
  }
)
