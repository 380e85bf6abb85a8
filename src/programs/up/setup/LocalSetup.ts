/**
 * Finds out how `serviceradar up` has to run in a directory: the configuration there, or a new one, and free ports.
 *
 * Files that exist are never changed; a missing one is written. What the configuration says about ports is a wish.
 */
import { Effect, FileSystem, Option } from "effect"
import * as path from "node:path"
import * as AgentConfig from "../../../domain/agent/AgentConfig.ts"
import * as CoreConfig from "../../../domain/core/CoreConfig.ts"
import * as PollerConfig from "../../../domain/poller/PollerConfig.ts"
import type { CertificateFiles } from "../../../domain/security/SecurityConfig.ts"
import * as ConfigFile from "../../../layers/files/ConfigFile.ts"
import * as IcmpProbe from "../../../layers/probes/IcmpProbe.ts"
import * as NameLookup from "../../../layers/probes/NameLookup.ts"
import { systemText } from "../../../layers/process/SystemText.ts"
import { checkWithin } from "../../../services/monitoring/Prober.ts"
import * as MachineFacts from "../machine/MachineFacts.ts"
import * as LocalConfig from "./LocalConfig.ts"
import * as Ports from "./Ports.ts"
import * as Relocation from "./Relocation.ts"
import { DirectoryUnusable } from "./UpDirectory.ts"

export interface LocalSetup {
  readonly directory: string
  readonly poller: PollerConfig.PollerConfig
  readonly agent: AgentConfig.AgentConfig
  readonly core: CoreConfig.CoreConfigFile
  readonly ports: Ports.Ports
  /** With mTLS: of our servers, and of core as their client. */
  readonly certificates?: {
    readonly postgres: CertificateFiles
    readonly nats: CertificateFiles
    readonly core: CertificateFiles
  }
  /** Files written by this start. */
  readonly written: ReadonlyArray<string>
  /** Ports that are not where the configuration wants them: wanted to given. */
  readonly moved: ReadonlyMap<number, number>
}

export interface SetupOptions {
  readonly directory: string
  /** The database is somebody else's, so there is no local one to monitor. */
  readonly hasOwnDatabase: boolean
  readonly procRoot: string
  /** PATH, to find a ping program. */
  readonly path: string | undefined
}

const fileNames = { poller: "poller.json", agent: "agent.json", core: "core.json" } as const

const answersPing = (pathVariable: string | undefined) => (address: string) =>
  Effect.scoped(Effect.gen(function*() {
    const names = yield* NameLookup.make()
    const prepare = IcmpProbe.prepare({ names, path: pathVariable, partition: "default", hostIp: Ports.host })
    const checker = yield* prepare({
      serviceType: "icmp",
      serviceName: "ping",
      details: address,
      port: 0,
      agentId: LocalConfig.agentId,
      pollerId: LocalConfig.pollerId
    })
    return yield* checkWithin(checker, checker.timeout)
  })).pipe(Effect.match({ onSuccess: (probed) => probed.available, onFailure: () => false }))

const writeMissing = Effect.fnUntraced(function*(options: SetupOptions) {
  const files = yield* FileSystem.FileSystem
  const places = Object.values(fileNames).map((name) => path.join(options.directory, name))
  const missing = yield* Effect.filter(
    places,
    (place) => Effect.map(Effect.orElseSucceed(files.exists(place), () => false), (exists) => !exists)
  )
  if (missing.length === 0) return missing
  const ports = yield* Effect.scoped(Ports.choose(Ports.usual))
  const facts = yield* MachineFacts.discover({
    procRoot: options.procRoot,
    answersPing: answersPing(options.path),
    excludePorts: new Set(Object.values(ports)),
    ownPid: process.pid
  })
  const config = LocalConfig.make(facts, ports, options.hasOwnDatabase)
  yield* Effect.forEach(
    [["poller", config.poller], ["agent", config.agent], ["core", config.core]] as const,
    ([name, document]) => {
      const place = path.join(options.directory, fileNames[name])
      return missing.includes(place)
        // A link without a target counts as missing, and is not followed.
        ? files.writeFileString(place, `${JSON.stringify(document, null, 2)}\n`, { flag: "wx" })
        : Effect.void
    }
  ).pipe(
    Effect.mapError((error) => new DirectoryUnusable({ directory: options.directory, detail: systemText(error) }))
  )
  return missing
})

const load = Effect.fnUntraced(function*<A>(
  loading: Effect.Effect<
    { readonly value: A; readonly warnings: ReadonlyArray<Parameters<typeof ConfigFile.formatWarning>[1]> },
    ConfigFile.ConfigFileError,
    FileSystem.FileSystem
  >,
  place: string
) {
  const { value, warnings } = yield* loading
  yield* Effect.forEach(warnings, (warning) => Effect.logWarning(ConfigFile.formatWarning(place, warning)))
  return value
})

export const prepare = Effect.fn("LocalSetup.prepare")(function*(options: SetupOptions) {
  const written = yield* writeMissing(options)
  const place = (name: keyof typeof fileNames) => path.join(options.directory, fileNames[name])
  const pollerFile = yield* load(ConfigFile.load(PollerConfig.PollerConfigFile, place("poller")), place("poller"))
  const agentFile = yield* load(ConfigFile.load(AgentConfig.AgentConfigFile, place("agent")), place("agent"))
  const core = yield* load(ConfigFile.load(CoreConfig.CoreConfigFile, place("core")), place("core"))

  const poller = PollerConfig.fromFile(pollerFile)
  const agent = AgentConfig.fromFile(agentFile)
  const wanted = Relocation.portsOf(
    poller,
    agent.agentId,
    Option.getOrUndefined(core.listen_addr ?? Option.none())?.port
  )
  const ports = yield* Ports.choose(wanted)
  const moved = Ports.moved(wanted, ports)
  return {
    directory: options.directory,
    poller: Relocation.poller(poller, agent.agentId, ports, moved),
    agent: { ...agent, listen: { host: Ports.host, port: ports.agentGrpc } },
    core,
    ports,
    written,
    moved
  } satisfies LocalSetup
})
