/**
 * What an agent is told to sweep by way of JetStream: a guest of its tree where somebody else keeps a connection to NATS.
 *
 * By itself, because an agent without it loads nothing of NATS.
 */
import { Layer } from "effect"
import type { AgentConfig } from "../../domain/agent/AgentConfig.ts"
import * as JetStreamSweepConfigReader from "../../layers/agent/JetStreamSweepConfigReader.ts"
import { SweepAssignment } from "../../services/agent/sweep/SweepAssignment.ts"
import * as Supervisor from "../../services/supervision/Supervisor.ts"

/** Reads what the agent is told to sweep. */
export const sweepConfig = Supervisor.child({
  id: "SweepConfig",
  run: SweepAssignment.use((assignment) => assignment.keep)
})

export const layer = ({ agentId }: AgentConfig) =>
  SweepAssignment.layer(agentId).pipe(Layer.provide(JetStreamSweepConfigReader.layer))
