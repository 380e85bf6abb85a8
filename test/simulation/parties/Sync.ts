/** The real sync, whose source, sweep store and gRPC are the world's; its spool is a folder of this machine. */
import { Effect, FileSystem, Layer, Path, Schema, Stream } from "effect"
import * as SyncConfig from "../../../src/domain/sync/SyncConfig.ts"
import { SyncConfigFile } from "../../../src/domain/sync/SyncConfigFile.ts"
import { Management } from "../../../src/layers/http/Management.ts"
import { NatsConnection } from "../../../src/layers/nats/connection/NatsConnection.ts"
import * as SecurityLayer from "../../../src/layers/security/SecurityLayer.ts"
import * as SourceCarrier from "../../../src/layers/sync/sources/SourceCarrier.ts"
import * as SpoolFiles from "../../../src/layers/sync/SpoolFiles.ts"
import * as SyncProgram from "../../../src/programs/sync/SyncProgram.ts"
import { SupervisionTree } from "../../../src/services/supervision/SupervisionTree.ts"
import * as Supervisor from "../../../src/services/supervision/Supervisor.ts"
import { LiveConfig } from "../../../src/services/sync/LiveConfig.ts"
import { Spool } from "../../../src/services/sync/Spool.ts"
import { SyncSignals } from "../../../src/services/sync/SyncSignals.ts"
import * as Inventory from "./Inventory.ts"
import * as SweepStore from "./SweepStore.ts"
import type { SyncSpool } from "./SyncSpool.ts"

export const port = 50_058

/** Between two readings of the source. */
export const intervalMillis = 180_000

const decodeFile = Schema.decodeUnknownSync(SyncConfigFile)

const configOf = (folder: string): SyncConfig.SyncConfig =>
  SyncConfig.fromFile(decodeFile({
    listen_addr: `0.0.0.0:${port}`,
    spool_dir: folder,
    agent_id: "sync",
    nats_url: "nats://kv:4222",
    discovery_interval: `${intervalMillis / 1_000}s`,
    retractions: true,
    // Longer than clocks of a world step: who comes after a step has still to hear of what is gone.
    retraction_retention: "12h",
    sources: {
      netbox: {
        type: "netbox",
        endpoint: "http://inventory",
        agent_id: "agent-0",
        credentials: { api_token: "token", page_size: "200", expand_subnets: "true" }
      }
    }
  }))

export interface SyncParty {
  readonly spool: SyncSpool
  readonly inventory: Inventory.InventoryExchange
  readonly sweeps: SweepStore.SweepExchange
  /** Another one for each process. */
  readonly process: number
}

export const program = ({ inventory, process, spool, sweeps }: SyncParty) => {
  const config = configOf(spool.folder)
  // The store behind the world's network stands for the connection to it.
  const connected = Layer.mock(NatsConnection, {
    changes: Stream.concat(Stream.make({ _tag: "Connected", server: "kv", version: "2.11.0" } as const), Stream.never)
  })
  const layers = Layer.mergeAll(
    SyncProgram.spoolLayer(config),
    SyncSignals.layer,
    LiveConfig.layer(config),
    Management.layer,
    SweepStore.layer(sweeps, "kv")
  ).pipe(
    Layer.provideMerge(connected),
    Layer.provideMerge(Layer.orDie(SecurityLayer.layer)),
    Layer.provideMerge(SupervisionTree.layer),
    Layer.provideMerge(Layer.merge(Layer.succeed(FileSystem.FileSystem, spool.fileSystem), Path.layer))
  )
  return Effect.scoped(Effect.gen(function*() {
    spool.begin()
    const carrier = yield* Inventory.carrier(inventory, "inventory", process)
    return yield* Effect.flatMap(Spool, ({ tidy }) => tidy).pipe(
      Effect.andThen(Effect.flatMap(SyncProgram.tree(config, { isGuest: true }), Supervisor.run)),
      Effect.provide(layers),
      Effect.provideService(SourceCarrier.Current, carrier),
      Effect.provideService(SpoolFiles.Current, spool.files)
    )
  }))
}
