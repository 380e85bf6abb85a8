import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Option, References } from "effect"
import * as AgentConfig from "../../../src/domain/agent/AgentConfig.ts"
import type { TreeNode } from "../../../src/domain/supervision/TreeNode.ts"
import { AgentServiceService } from "../../../src/gen/monitoring/monitoring.ts"
import * as GrpcClient from "../../../src/layers/grpc/GrpcClient.ts"
import type { BindError } from "../../../src/layers/grpc/GrpcServer.ts"
import type { CredentialsError } from "../../../src/layers/security/GrpcCredentials.ts"
import type { SecurityError } from "../../../src/layers/security/SecurityLayer.ts"
import * as AgentProgram from "../../../src/programs/agent/AgentProgram.ts"
import type { ProgramEnd } from "../../../src/services/agent/programs/CheckerPrograms.ts"
import { SupervisionTree } from "../../../src/services/supervision/SupervisionTree.ts"
import * as Supervisor from "../../../src/services/supervision/Supervisor.ts"
import type { SupervisorShutdown } from "../../../src/services/supervision/SupervisorError.ts"
import { eventually, freePort } from "../../support/Program.ts"
import { secured } from "../../support/secured.ts"

type ErrorOf<T> = T extends Effect.Effect<unknown, infer E, unknown> ? E : never

type Equals<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true : false

/** Compiles only for `true`. */
const holds = <T extends true>(claim: T): T => claim

const outline = (node: TreeNode): string =>
  `${node.id}:${node.kind}${node.children.length === 0 ? "" : `(${node.children.map(outline).join(" ")})`}`

const treeWith = (portChecker: string) => {
  const checkers = `SnmpChecker:dynamic ${portChecker} ProcessChecker:dynamic OtherCheckers:dynamic`
  return `Agent:supervisor(SecurityManager:worker SecurityMonitor:worker Checkers:supervisor(${checkers}) ` +
    "SyncResults:worker GrpcServer:worker HealthMonitor:worker)"
}

describe("AgentProgram", () => {
  it("names every failure that can end it in its type", () => {
    type Failure = ErrorOf<ReturnType<typeof AgentProgram.run>>
    /** A checker can fail in no way that ends its supervisor: what gives up there had a bug. */
    type Checkers = SupervisorShutdown<SupervisorShutdown<never>>

    /** Nor can a program: the supervisor of one that gives up is tried again. */
    type Programs = SupervisorShutdown<SupervisorShutdown<ProgramEnd>>

    assert.isTrue(
      holds<Equals<Failure, SupervisorShutdown<BindError | CredentialsError | Checkers | Programs> | SecurityError>>(
        true
      )
    )
  })

  it.live("shows every checker in its tree, and begins anew when their supervisor is restarted", () =>
    Effect.gen(function*() {
      const port = yield* freePort
      const config = { ...AgentConfig.fromFile({ agent_id: "agent-1" }), listen: { host: "127.0.0.1", port } }
      const agent = yield* Supervisor.start(AgentProgram.tree(config)).pipe(Effect.provide(AgentProgram.layer(config)))
      const client = yield* GrpcClient.make(AgentServiceService, { target: `127.0.0.1:${port}` })
      const ask = client.getStatus({
        serviceType: "port",
        serviceName: "own",
        details: `127.0.0.1:${port}`,
        port: 0,
        agentId: "",
        pollerId: "p"
      })

      yield* ask
      const before = outline(yield* agent.tree)
      yield* agent.terminateChild("Checkers")
      yield* agent.restartChild("Checkers")
      const after = outline(yield* agent.tree)
      yield* eventually(
        "a check after the restart",
        Effect.map(ask, (answer) => Option.liftPredicate(answer, (one) => one.available)),
        {
          within: "5 seconds"
        }
      )

      assert.strictEqual(
        before,
        treeWith(`PortChecker:dynamic(port:own:127.0.0.1:${port}:worker)`)
      )
      assert.strictEqual(
        after,
        treeWith("PortChecker:dynamic")
      )
    }).pipe(
      Effect.scoped,
      Effect.provide(Layer.mergeAll(secured, SupervisionTree.layer)),
      Effect.provideService(References.MinimumLogLevel, "None")
    ))
})
