/** The real agent, whose probes are of simulated targets. */
import { Duration, Effect, Layer } from "effect"
import * as AgentConfig from "../../../src/domain/agent/AgentConfig.ts"
import { Management } from "../../../src/layers/http/Management.ts"
import { GrpcCheckers } from "../../../src/layers/probes/GrpcCheckers.ts"
import * as AgentProgram from "../../../src/programs/agent/AgentProgram.ts"
import { CheckRunner } from "../../../src/services/agent/CheckRunner.ts"
import { CheckerPrograms } from "../../../src/services/agent/programs/CheckerPrograms.ts"
import { SyncResults } from "../../../src/services/agent/SyncResults.ts"
import { type Prepare, Prober } from "../../../src/services/monitoring/Prober.ts"
import { SupervisionTree } from "../../../src/services/supervision/SupervisionTree.ts"
import * as Supervisor from "../../../src/services/supervision/Supervisor.ts"
import type { Measurements } from "../Measurements.ts"
import { secured } from "./Secured.ts"

export const port = 50_051

/** What is done to an agent beside its host and its links. */
export interface AgentTrouble {
  /** Its checks never come to an end. */
  hangs: boolean
  /** Its checks die. */
  breaks: boolean
  /** Its answers are no JSON. */
  lies: boolean
}

const target = (measurements: Measurements, agentId: string, trouble: AgentTrouble): Prepare => (request) =>
  Effect.succeed({
    timeout: Duration.seconds(5),
    check: Effect.suspend(() => {
      if (trouble.breaks) return Effect.die(new Error("the probe broke"))
      if (trouble.hangs) return Effect.never
      return Effect.map(Effect.sleep(5), () => {
        const number = measurements.measured(agentId, request.serviceName)
        return {
          available: number % 50 !== 0,
          message: trouble.lies ? `}{ ${number}` : JSON.stringify({ measurement: number }),
          responseTimeNanos: 5_000_000n
        }
      })
    }),
    failed: (reason) => ({
      available: false,
      message: JSON.stringify({ error: reason }),
      responseTimeNanos: 0n
    })
  })

export const program = (agentId: string, measurements: Measurements, trouble: AgentTrouble) => {
  const config = { ...AgentConfig.fromFile({ agent_id: agentId }), listen: { host: "0.0.0.0", port } }
  return Supervisor.run(AgentProgram.tree(config)).pipe(
    Effect.provide(
      CheckRunner.layer().pipe(
        Layer.provide(Prober.layer({ port: target(measurements, agentId, trouble) })),
        Layer.merge(CheckerPrograms.layer(() => Effect.never, [])),
        Layer.merge(SyncResults.layer()),
        Layer.provideMerge(GrpcCheckers.layer(config)),
        Layer.provideMerge(Management.layer),
        Layer.provideMerge(secured),
        Layer.provideMerge(SupervisionTree.layer)
      )
    )
  )
}
