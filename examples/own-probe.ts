/**
 * A kind of check of one's own: how busy is this host? One file with the question, its keys, its answer and how it is made.
 *
 *   node examples/own-probe.ts
 */
import { Duration, Effect, Result, Schema } from "effect"
import * as os from "node:os"
import * as Details from "../src/domain/monitoring/checks/details/Details.ts"
import * as Payload from "../src/domain/monitoring/checks/details/Payload.ts"
import * as ProbeResult from "../src/domain/monitoring/checks/ProbeResult.ts"
import type { ProbeKind } from "../src/services/monitoring/ProbeKind.ts"
import { probeOnce, Prober } from "../src/services/monitoring/Prober.ts"

const Target = Schema.Struct({
  max: Details.required(Schema.Finite, "how many processes may be ready to run on average", { shows: "whole" })
})

const payload = Schema.Struct({
  load: Payload.measure("count", "processes that were ready to run over the last minute, on average"),
  ...Payload.common
})

const parse = Details.parse({
  serviceType: "load",
  schema: Target,
  bare: (text) => Result.succeed({ max: Number(text) }),
  bareForm: "a number"
})

/** What a probe takes from the kit is all that it needs to be given: here where the load is read. */
const kind: ProbeKind<{ readonly loadAverage: () => ReadonlyArray<number> }> = {
  about: "How busy is the host of the agent?",
  details: { bareForm: "a number", schema: Target },
  payload,
  examples: [{ details: "8", about: "Are less than eight processes ready to run?" }],
  prepare: (kit) =>
    Effect.fnUntraced(function*(request) {
      const target = yield* Effect.fromResult(parse(request.details))
      return {
        timeout: Duration.seconds(1),
        failed: (reason) => ProbeResult.failed(reason),
        check: Effect.sync(() => {
          const [load = 0] = kit.loadAverage()
          const complaint = load > target.max ? `the load is ${load}, at most ${target.max} is expected` : undefined
          return ProbeResult.answered({ load }, 0n, complaint)
        })
      }
    })
}

/** The row: in the agent it stands in `src/layers/probes/ProbeTable.ts`. */
const probes = Prober.layer({ load: kind.prepare({ loadAverage: os.loadavg }) })

const ask = (details: string) =>
  probeOnce({ serviceType: "load", serviceName: "load", details, port: 0, agentId: "agent", pollerId: "poller" })

const program = Effect.gen(function*() {
  const { available } = yield* ask("{\"max\":1000000}")
  console.log(`not too busy: ${available}`)
  const { message } = yield* Effect.flip(ask("{\"maximum\":1}"))
  console.log(message)
}).pipe(Effect.provide(probes))

await Effect.runPromise(program)
