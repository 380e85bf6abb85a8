import { Console, Effect, Random, Schema } from "effect"
import { Supervisor, type SupervisorShutdown } from "../src/services/supervision/index.ts"

class Overheated extends Schema.TaggedError<Overheated>()("Overheated", { degrees: Schema.Finite }) {}

const heater = Effect.gen(function*() {
  const degrees = yield* Random.nextIntBetween(60, 110)
  yield* Console.log(`${degrees} °C`)
  if (degrees > 100) return yield* new Overheated({ degrees })
  yield* Effect.sleep("100 millis")
}).pipe(Effect.forever)

// Restarted three times within five seconds; after that the failure is the program's, and the type says so.
const program: Effect.Effect<never, SupervisorShutdown<Overheated>> = Supervisor.run({
  id: "Boiler",
  strategy: "one_for_one",
  intensity: { maxRestarts: 3, period: "5 seconds" },
  children: [Supervisor.child({ id: "Heater", run: heater })]
})

await Effect.runPromise(Effect.matchEffect(program, {
  onFailure: (error) => Console.log(error.message),
  onSuccess: () => Effect.void
}))
