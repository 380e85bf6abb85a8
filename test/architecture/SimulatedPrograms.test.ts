/** Programs of a simulated world are the real ones: what stands in for something of theirs is named here, and nothing else does. */
import { assert, describe, it } from "@effect/vitest"
import * as path from "node:path"
import { readSources, type SourceFile } from "./SourceTree.ts"

const root = path.resolve(import.meta.dirname, "../..")

/** A contract that a file implements itself, a layer that is not what a process has, a reference that it sets. */
const patterns = [
  /\bLayer\.(?:mock|succeed|effect|sync)\(\s*([A-Z][\w.]*)/g,
  /\b([A-Z]\w*\.(?:layer(?:Noop|Static|Test|Memory|StoreMemory)|makeNoop))\b/g,
  /\bprovideService\([^,]*,\s*([A-Z][\w.]*),/g,
  /\.provideService\(\s*([A-Z][\w.]*),/g
]

const swapped = ({ text }: SourceFile): ReadonlyArray<string> =>
  [...new Set(patterns.flatMap((pattern) => [...text.matchAll(pattern)].map(([, name = ""]) => name)))].toSorted()

/** By file, and why each is not the real one. */
const known: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "test/simulation/Installation.ts": { GrpcCarrier: "gRPC goes over the world's network" },
  "test/simulation/parties/Core.ts": {
    Accounts: "no API is served over HTTP",
    "PollerObserver.PollerObserver": "somebody who listens",
    EdgeActivations: "nobody is given a package",
    DeviceRegistry: "nobody reports devices to this core",
    AlertWebhooks: "nobody is called over HTTP",
    PgConnection: "the store behind it is a model"
  },
  "test/simulation/parties/EventWriter.ts": {
    EventDecoder: "the real one, without its layer's configuration",
    EventTables: "tables of a model need no migration",
    NatsConnection: "the stream behind it is a model",
    PgConnection: "the tables behind it are a model",
    TraceSummaries: "no traces are published"
  },
  "test/simulation/parties/EventsDatabase.ts": { EventStore: "a model behind the network" },
  "test/simulation/parties/HostFiles.ts": {
    "FileSystem.layerNoop": "files of a host are in memory",
    "FileWatch.Current": "files of a host are in memory"
  },
  "test/simulation/parties/Nats.ts": {
    DeadLetters: "a model behind the network",
    EventSource: "a model behind the network"
  },
  "test/simulation/parties/Pollers.ts": {
    "CircuitBreaker.layerStoreMemory": "that of the real one",
    "HandoverSocket.Current": "two processes of a host, which share no socket of this machine",
    "HostIdentity.layerStatic": "a world has no network interfaces",
    "ReplyPlugins.ReplyPlugins": "that of the real one",
    StatusBuffer: "the real one, with somebody who listens"
  },
  "test/simulation/parties/StatusDatabase.ts": { StatusStore: "a model behind the network" },
  "test/simulation/parties/SweepStore.ts": { SweepConfigStore: "a model behind the network" },
  "test/simulation/parties/Sync.ts": {
    "FileSystem.FileSystem": "a folder of this machine, without waiting",
    NatsConnection: "the store behind it is a model",
    "SourceCarrier.Current": "the source is a model behind the network",
    "SpoolFiles.Current": "a folder of this machine, without waiting"
  },
  "test/simulation/parties/SyncSpool.ts": { "FileSystem.makeNoop": "a folder of this machine, without waiting" }
}

describe("Simulated programs", () => {
  it("have nothing in the place of what is real that is not named here", () => {
    const found = Object.fromEntries(
      readSources(root, "test/simulation").flatMap((file) => {
        const names = swapped(file)
        return names.length === 0 ? [] : [[file.path, names]]
      })
    )
    const expected = Object.fromEntries(
      Object.entries(known).map(([file, names]) => [file, Object.keys(names).toSorted()])
    )

    assert.deepStrictEqual(found, expected)
  })

  it.each([
    ["Layer.mock(PgConnection, {})", "PgConnection"],
    ["Layer.succeed(\n  EventStore, {})", "EventStore"],
    ["HostIdentity.layerStatic(\"192.0.2.1\")", "HostIdentity.layerStatic"],
    ["Effect.provideService(program, GrpcCarrier, carrier)", "GrpcCarrier"]
  ])("show what stands in for something: %s", (text, name) => {
    assert.deepStrictEqual(swapped({ path: "A.ts", text }), [name])
  })
})
