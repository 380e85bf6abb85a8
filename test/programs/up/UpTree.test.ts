/**
 * The tree of `serviceradar up` under random faults: core, agent, poller, event writer and telemetry under one root. Ports
 * are real ones; database, NATS and the poller's peers are in memory.
 */
import { describe, it } from "@effect/vitest"
import { Effect, Layer, Option, Redacted } from "effect"
import * as AgentConfig from "../../../src/domain/agent/AgentConfig.ts"
import { NatsEndpoint } from "../../../src/layers/nats/connection/NatsEndpoint.ts"
import { DatabaseEndpoint } from "../../../src/layers/postgres/connection/DatabaseEndpoint.ts"
import { ServerState } from "../../../src/layers/postgres/server/ServerState.ts"
import * as AgentProgram from "../../../src/programs/agent/AgentProgram.ts"
import * as LocalEvents from "../../../src/programs/up/LocalEvents.ts"
import * as LocalNats from "../../../src/programs/up/LocalNats.ts"
import * as UpTree from "../../../src/programs/up/UpTree.ts"
import { AlertWebhooks } from "../../../src/services/core/AlertWebhooks.ts"
import { DeviceDiscovery } from "../../../src/services/core/DeviceDiscovery.ts"
import * as PollerWatch from "../../../src/services/core/PollerWatch.ts"
import { ReportIngest } from "../../../src/services/core/ReportIngest.ts"
import { StatusStore } from "../../../src/services/core/StatusStore.ts"
import { EdgeActivations } from "../../../src/services/edge/EdgeActivations.ts"
import { EventPublisher } from "../../../src/services/events/EventPublisher.ts"
import { Accounts } from "../../../src/services/identity/Accounts.ts"
import { DeviceRegistry, nothing } from "../../../src/services/inventory/DeviceRegistry.ts"
import { SupervisionTree } from "../../../src/services/supervision/SupervisionTree.ts"
import { TreeCheck } from "../../../src/services/supervision/testing/index.ts"
import { SettingsStore } from "../../../src/services/v1/SettingsStore.ts"
import { isOpen } from "../../support/openPort.ts"
import { freePort } from "../../support/Program.ts"
import { within, withstandsFaults } from "../../support/programTree.ts"
import { secured } from "../../support/secured.ts"
import * as WriterWorld from "../event-writer/WriterWorld.ts"
import * as PollerWorld from "../poller/PollerWorld.ts"

const store = Layer.mock(StatusStore, {
  current: () => Effect.succeed([]),
  pollers: Effect.succeed([]),
  noteMissed: () => Effect.void,
  noteTold: () => Effect.void,
  untold: Effect.succeed([]),
  removeOlderThan: () => Effect.succeed(0)
})

const subject = Effect.gen(function*() {
  const ports = {
    coreGrpc: yield* freePort,
    coreHttp: yield* freePort,
    agentGrpc: yield* freePort,
    pollerGrpc: 0,
    postgres: 0
  }
  const served = [ports.coreGrpc, ports.coreHttp, ports.agentGrpc]
  const agent = {
    ...AgentConfig.fromFile({ agent_id: "agent-1" }),
    listen: { host: "127.0.0.1", port: ports.agentGrpc }
  }
  const options: UpTree.TreeOptions = {
    setup: { directory: "/nowhere", poller: PollerWorld.config, agent, core: {}, ports, written: [], moved: new Map() },
    databaseUrl: Option.some(Redacted.make("postgresql://127.0.0.1:1/none")),
    pathVariable: undefined,
    onProgress: () => Effect.void
  }
  const poller = PollerWorld.make()
  const writer = WriterWorld.make(50)
  const core = UpTree.coreConfig(options)
  const opened = Effect.map(Effect.filter(served, isOpen), (open) => new Set(open))
  const world = Layer.mergeAll(
    ReportIngest.layer({}).pipe(Layer.provideMerge(DeviceDiscovery.layer)),
    PollerWatch.PollerWatch.layer({ ...core, hostname: "here" }),
    AgentProgram.layer(agent),
    poller.layer,
    writer.layer,
    EventPublisher.layerNone,
    LocalNats.NatsAvailability.layer(Option.some(true))
  ).pipe(
    Layer.provideMerge(Layer.mergeAll(
      store,
      Layer.mock(DeviceRegistry, { sight: () => Effect.succeed(nothing) }),
      Layer.succeed(AlertWebhooks, AlertWebhooks.none),
      Layer.succeed(Accounts, Accounts.none),
      Layer.succeed(EdgeActivations, EdgeActivations.none),
      ServerState.layer,
      DatabaseEndpoint.layer(Option.none()),
      NatsEndpoint.layer(Option.none()),
      SettingsStore.layer
    )),
    Layer.provideMerge(secured),
    Layer.provideMerge(SupervisionTree.layer)
  )
  const children = [
    ...UpTree.monitoring(core, options),
    ...LocalEvents.children({ settings: WriterWorld.settings, nats: Option.none() })
  ] as const
  return within(
    TreeCheck.subject({ ...UpTree.root, children }, [
      ...poller.promises,
      ...writer.promises,
      {
        name: "every port is served",
        when: "healed",
        broken: Effect.map(opened, (open) => {
          const silent = served.filter((port) => !open.has(port))
          return silent.length === 0 ? undefined : `nobody listens on ${silent.join(", ")}`
        })
      },
      {
        name: "every port is free again",
        when: "stopped",
        broken: Effect.map(
          opened,
          (open) => open.size === 0 ? undefined : `somebody listens on ${[...open].join(", ")}`
        )
      }
    ]),
    world
  )
})

describe("The tree of up", () => {
  it.live("withstands random faults: all is polled, stored and served again", () => withstandsFaults(subject, 6))
})
