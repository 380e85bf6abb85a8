/**
 * Prepares `serviceradar up --demo` in a directory: free ports, `demo/sync.json`, and the poller that asks sync too.
 *
 * That file is written at every start, for commands beside it (`serviceradar sync plan --config DIR/demo/sync.json`);
 * nobody's configuration is changed.
 */
import { Config, Effect, FileSystem, Option } from "effect"
import * as path from "node:path"
import * as SyncConfig from "../../../domain/sync/SyncConfig.ts"
import { SyncConfigFile } from "../../../domain/sync/SyncConfigFile.ts"
import * as ConfigFile from "../../../layers/files/ConfigFile.ts"
import * as FreePort from "../../../layers/process/endpoint/FreePort.ts"
import * as OwnFile from "../../../layers/process/OwnFile.ts"
import { failedAt } from "../../../layers/process/SetupFailed.ts"
import * as LocalCertificates from "../setup/LocalCertificates.ts"
import type { LocalSetup } from "../setup/LocalSetup.ts"
import { host } from "../setup/Ports.ts"
import * as DemoConfig from "./DemoConfig.ts"
import { DemoRefused } from "./DemoRefused.ts"

export interface Demo {
  readonly ports: DemoConfig.DemoPorts
  readonly sync: SyncConfig.SyncConfig
  /** The sync service's configuration file. */
  readonly file: string
}

const choosePorts = Effect.gen(function*() {
  const { armis, netbox, sync } = DemoConfig.usualPorts
  const chosen = { sync: yield* FreePort.claim(host, sync), armis: yield* FreePort.claim(host, armis) }
  const beside = yield* FreePort.claim(host, netbox === chosen.armis ? netbox + 1 : netbox)
  return { ...chosen, netbox: beside === chosen.armis ? yield* FreePort.claim(host, beside + 1) : beside }
})

/** The setup with a sync service in it, and the service. */
export const prepare = Effect.fn("DemoSetup.prepare")(function*(setup: LocalSetup) {
  // Made-up devices belong into nobody's installation.
  const natsUrl = yield* Config.option(Config.String("NATS_URL"))
  if (Option.exists(natsUrl, (url) => url !== "")) {
    return yield* new DemoRefused({
      detail: "it writes sweep configs of made-up devices, which must not go to the NATS of NATS_URL: unset it"
    })
  }
  const files = yield* FileSystem.FileSystem
  const home = path.join(setup.directory, "demo")
  const file = path.join(home, "sync.json")
  const ports = yield* choosePorts
  const document = DemoConfig.syncFile(ports, {
    agentId: setup.agent.agentId,
    pollerId: setup.poller.pollerId,
    spool: path.join(home, "spool"),
    security: yield* LocalCertificates.forSync(setup)
  })
  yield* files.makeDirectory(home, { recursive: true, mode: 0o700 }).pipe(Effect.mapError(failedAt(`making ${home}`)))
  yield* OwnFile.write(file, `${JSON.stringify(document, null, 2)}\n`)
  const { value } = yield* ConfigFile.load(SyncConfigFile, file)
  return {
    setup: { ...setup, poller: DemoConfig.withSync(setup.poller, setup.agent.agentId, ports) },
    demo: { ports, file, sync: SyncConfig.fromFile(value) } satisfies Demo
  }
})
