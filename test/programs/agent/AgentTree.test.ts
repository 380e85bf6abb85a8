/** The agent's tree under random faults. Its port is a real one. */
import { describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import * as AgentConfig from "../../../src/domain/agent/AgentConfig.ts"
import * as AgentProgram from "../../../src/programs/agent/AgentProgram.ts"
import { SupervisionTree } from "../../../src/services/supervision/SupervisionTree.ts"
import { TreeCheck } from "../../../src/services/supervision/testing/index.ts"
import { isOpen } from "../../support/openPort.ts"
import { freePort } from "../../support/Program.ts"
import { within, withstandsFaults } from "../../support/programTree.ts"
import { secured } from "../../support/secured.ts"

const subject = Effect.map(freePort, (port) => {
  const config = { ...AgentConfig.fromFile({ agent_id: "agent-1" }), listen: { host: "127.0.0.1", port } }
  return within(
    TreeCheck.subject(AgentProgram.tree(config), [
      {
        name: "pollers are served",
        when: "healed",
        broken: Effect.map(isOpen(port), (open) => open ? undefined : `nobody listens on ${port}`)
      },
      {
        name: "the port is free again",
        when: "stopped",
        broken: Effect.map(isOpen(port), (open) => open ? `somebody listens on ${port}` : undefined)
      }
    ]),
    AgentProgram.layer(config).pipe(Layer.provideMerge(secured), Layer.provideMerge(SupervisionTree.layer))
  )
})

describe("The agent's tree", () => {
  it.live("withstands random faults, serves pollers again and lets go of its port", () => withstandsFaults(subject, 12))
})
