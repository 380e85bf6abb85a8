import { assert, describe, it } from "@effect/vitest"
import { type Config, type Effect, Option } from "effect"
import * as Rollout from "../../../src/domain/poller/rollout/Rollout.ts"
import type { InvalidChildSpec } from "../../../src/domain/supervision/check/SpecCheck.ts"
import type { EnvironmentError } from "../../../src/layers/events/settings/EnvironmentVariables.ts"
import type { BindError } from "../../../src/layers/grpc/GrpcServer.ts"
import type { ReplacementError } from "../../../src/layers/poller/handover/Replacement.ts"
import type { CredentialsError } from "../../../src/layers/security/GrpcCredentials.ts"
import type { SecurityError } from "../../../src/layers/security/SecurityLayer.ts"
import type { NoNats } from "../../../src/programs/poller/PollerDiscovery.ts"
import * as PollerProgram from "../../../src/programs/poller/PollerProgram.ts"
import type {
  ChildRefused,
  ChildStartError,
  SupervisorGone,
  SupervisorShutdown
} from "../../../src/services/supervision/SupervisorError.ts"
import { config } from "../../fixtures/fleet.ts"
import { agent, check } from "../../services/poller/statuses.ts"

type ErrorOf<T> = T extends Effect.Effect<unknown, infer E, unknown> ? E : never

type Equals<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true : false

/** Compiles only for `true`. */
const holds = <T extends true>(claim: T): T => claim

/** An agent can fail in no way that ends its coordinator: what gives up there had a bug. */
type Coordinator = SupervisorShutdown<never>
type AgentSupervisor = SupervisorShutdown<Coordinator>
/** What it asks fails in no way that it does not bear; where NATS is must be said. */
type Discovery = SupervisorShutdown<Config.ConfigError | EnvironmentError | NoNats | SecurityError>
type AgentRoster = ChildStartError<Coordinator> | ChildRefused | InvalidChildSpec | SupervisorGone

describe("PollerProgram", () => {
  it("names every failure that can end it in its type", () => {
    type Failure = ErrorOf<ReturnType<typeof PollerProgram.run>>
    type Tree = SupervisorShutdown<BindError | CredentialsError | AgentSupervisor | AgentRoster | Discovery>

    assert.isTrue(holds<Equals<Failure, Tree | CredentialsError | ReplacementError | SecurityError>>(true))
  })

  it("has servers only where they are wanted", () => {
    const agents = ["a", "b"].map((name) => agent(name, "127.0.0.1:1", [check("ssh")]))
    const tree = PollerProgram.tree(config(agents, { pollInterval: "1 second" }))

    assert.deepStrictEqual(tree.children.map(({ description }) => description.id), [
      "SecurityManager",
      "SecurityMonitor",
      "CoreReporter",
      "MetricsCollector",
      "AgentSupervisor",
      "AgentRoster"
    ])
  })

  it("watches over a rollout only where there is a folder for it", () => {
    const rollout = Option.some(Rollout.fromBlock({ mode: "shadow" }))
    const poller = { ...config([], { pollInterval: "1 second" }), rollout }
    const ids = (options: PollerProgram.PollerOptions) =>
      PollerProgram.tree(poller, options).children.map(({ description }) => description.id)

    assert.include(ids({ rolloutFolder: "/nowhere" }), "Rollout")
    assert.notInclude(ids({}), "Rollout")
  })
})
