/**
 * A counter that others call and cast to: it lives under a supervisor, one message at a time.
 *
 *   node examples/counter-actor.ts
 */
import { Console, Effect } from "effect"
// In your own project: from "serviceradar-effect/supervision"
import { Actor, Supervisor } from "../src/services/supervision/index.ts"

const program = Effect.scoped(Effect.gen(function*() {
  const counter = yield* Actor.make({
    id: "counter",
    init: Effect.succeed(0),
    call: { add: (by: number, count) => Effect.succeed(Actor.reply(count + by, count + by)) },
    cast: { reset: (to: number) => Effect.succeed(Actor.next(to)) }
  })
  yield* Supervisor.start({ id: "root", strategy: "one_for_one", children: [counter] })
  yield* counter.call.add(2)
  yield* Console.log(`two more: ${yield* counter.call.add(2)}`)
  yield* counter.cast.reset(10)
  yield* Console.log(`one more after the reset: ${yield* counter.call.add(1)}`)
}))

await Effect.runPromise(program)
