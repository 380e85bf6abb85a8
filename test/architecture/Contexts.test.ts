import { assert, describe, it } from "@effect/vitest"
import * as path from "node:path"
import { breaches, crowdedFolders, kitFaults } from "./Contexts.ts"
import { readSources } from "./SourceTree.ts"

const root = path.resolve(import.meta.dirname, "../..")
const files = readSources(root, "src")

describe("The walls between contexts", () => {
  it("hold in the whole source tree", () => {
    assert.isAbove(files.length, 100)
    assert.deepStrictEqual(breaches(files), [])
  })

  it("leave the kit by itself, without circles", () => {
    assert.deepStrictEqual(kitFaults(), [])
  })

  it.each([
    ["src/services/supervision/A.ts", `import { Check } from "../../domain/monitoring/checks/Check.ts"`],
    ["src/layers/grpc/A.ts", `import { SecurityConfig } from "../../domain/security/SecurityConfig.ts"`],
    ["src/layers/grpc/A.ts", `export * as Tls from "../security/TlsFiles.ts"`],
    ["src/domain/events/A.ts", `import { PollerConfig } from "../poller/PollerConfig.ts"`],
    ["src/services/poller/A.ts", `import { Prober } from "../agent/Prober.ts"`],
    ["src/layers/core/A.ts", `import { writer } from "../event-writer/EventWriterLayers.ts"`],
    ["src/layers/postgres/A.ts", `import { migrations } from "../core/migrations/migrations.ts"`],
    ["src/layers/nats/A.ts", `import { plan } from "../events/jetstream/DurableConsumers.ts"`],
    ["src/programs/sync/A.ts", `const b = await import("../poller/PollerProgram.ts")`],
    ["src/programs/agent/A.ts", `import { run } from "../cli/CliProcess.ts"`],
    ["src/services/agent/A.ts", `import { Mailbox } from "../supervision/internal/Mailbox.ts"`],
    ["src/layers/unheard-of/A.ts", `import { B } from "../grpc/B.ts"`]
  ])("find a planted breach: %s with %s", (file, text) => {
    assert.lengthOf(breaches([{ path: file, text }]), 1)
  })

  it.each([
    ["src/services/pipeline/A.ts", `import { Supervisor } from "../supervision/Supervisor.ts"`],
    ["src/services/supervision/A.ts", `import { Mailbox } from "./internal/Mailbox.ts"`],
    ["src/layers/nats/A.ts", `import { NatsSettings } from "../../domain/events/settings/NatsSettings.ts"`],
    ["src/programs/agent/A.ts", `import { ProbeTable } from "../../layers/probes/ProbeTable.ts"`],
    ["src/programs/up/A.ts", `import { tree } from "../poller/PollerProgram.ts"`]
  ])("allow %s with %s", (file, text) => {
    assert.deepStrictEqual(breaches([{ path: file, text }]), [])
  })
})

describe("A folder of sources", () => {
  it("holds at most 20 files beside its sub-folders", () => {
    assert.deepStrictEqual(crowdedFolders(files), [])
  })

  it("is found when it holds more", () => {
    const many = Array.from({ length: 21 }, (_, index) => ({ path: `src/domain/a/A${index}.ts`, text: "" }))

    assert.deepStrictEqual(crowdedFolders(many), ["src/domain/a: 21 files"])
  })
})
