/**
 * A pool of eight workers over a list of addresses: a pipeline without batchers. The slow and the broken cost their
 * worker a moment and nobody else anything; each address has one outcome.
 *
 *   node examples/worker-pool.ts
 */
import { Effect, Schema, Stream } from "effect"
// In your own project: from "serviceradar-effect/pipeline"
import { type Outcomes, Pipeline, Producer } from "../src/services/pipeline/index.ts"

class Unreachable extends Schema.TaggedError<Unreachable>()("Unreachable", { address: Schema.String }) {
  override get message(): string {
    return `${this.address} is unreachable`
  }
}

const probe = (address: string) => {
  const last = Number(address.split(".")[3])
  if (last === 13) throw new Error("a bug in the probe")
  return last % 10 === 0 ? Effect.fail(new Unreachable({ address })) : Effect.sleep("5 millis")
}

export const program = Effect.gen(function*() {
  const report = { reachable: 0, unreachable: 0, broken: 0 }
  yield* Pipeline.run({
    name: "sweep",
    producer: Producer.fromStream(Stream.map(Stream.range(1, 100), (last) => `192.0.2.${last}`)),
    processors: { concurrency: 8, demandMax: 1 },
    rateLimit: { allowed: 50, interval: "100 millis" },
    handle: probe,
    acknowledge: ({ ok, rejected }: Outcomes<string, Unreachable>) =>
      Effect.sync(() => {
        report.reachable += ok.length
        for (const { outcome } of rejected) report[outcome._tag === "Failed" ? "unreachable" : "broken"] += 1
      })
  })
  return report
})

if (import.meta.main) console.log(await Effect.runPromise(program))
