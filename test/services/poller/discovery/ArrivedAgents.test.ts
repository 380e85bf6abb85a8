import { assert, describe, it } from "@effect/vitest"
import { Effect, Option, Result } from "effect"
import * as ConfigDocument from "../../../../src/domain/config/ConfigDocument.ts"
import { timeoutDefault } from "../../../../src/domain/monitoring/checks/Check.ts"
import { AgentId, ServiceName, ServiceType } from "../../../../src/domain/monitoring/Ids.ts"
import * as PollerConfig from "../../../../src/domain/poller/PollerConfig.ts"
import * as ArrivedAgents from "../../../../src/services/poller/discovery/ArrivedAgents.ts"

const check = (name: string, details: string) => ({
  serviceType: ServiceType.make("port"),
  serviceName: ServiceName.make(name),
  details,
  port: 0,
  resultsInterval: Option.none(),
  interval: Option.none(),
  timeout: timeoutDefault
})

describe("Agents that came by themselves", () => {
  it.effect("are asked each check of a name once: what the file asks of all of them before what they offer", () =>
    Effect.gen(function*() {
      const { value } = Result.getOrThrow(ConfigDocument.decode(
        PollerConfig.PollerConfigFile,
        JSON.stringify({
          poller_id: "p",
          core_address: "c:1",
          agents: {},
          discovery: { checks: [{ service_type: "port", service_name: "ssh", details: "of the file" }] }
        })
      ))
      const arrival = {
        agentId: AgentId.make("edge-7"),
        address: "127.0.0.1:50051",
        source: "registration",
        identity: "",
        version: "",
        capabilities: [],
        checks: [check("ssh", "its own"), check("web", "its own"), check("web", "again")]
      } as const
      const file = PollerConfig.fromFile(value)
      const { agents: [agent] } = yield* ArrivedAgents.make(file, Effect.succeed([arrival])).added(file)

      assert.deepStrictEqual(
        agent?.checks.map(({ details, serviceName }) => `${serviceName}: ${details}`),
        ["ssh: of the file", "web: its own"]
      )
    }))
})
