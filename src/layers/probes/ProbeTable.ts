/** All checks that this agent knows, by service type. */
import { Effect, FileSystem, Layer, Result } from "effect"
import type { AgentConfig } from "../../domain/agent/AgentConfig.ts"
import { isSysmonName, type ProbedType } from "../../domain/monitoring/ServiceKinds.ts"
import { HostNetwork } from "../../services/monitoring/HostNetwork.ts"
import { type Prepare, Prober } from "../../services/monitoring/Prober.ts"
import * as NodeHostNetwork from "../process/NodeHostNetwork.ts"
import * as Command from "./Command.ts"
import * as GrpcCheckerProbe from "./GrpcCheckerProbe.ts"
import { GrpcCheckers } from "./GrpcCheckers.ts"
import * as BodyPattern from "./http/BodyPattern.ts"
import * as HttpProbe from "./http/HttpProbe.ts"
import * as IcmpProbe from "./IcmpProbe.ts"
import * as PortProbe from "./PortProbe.ts"
import * as ProcessList from "./ProcessList.ts"
import * as ProcessProbe from "./ProcessProbe.ts"
import * as SysmonProbe from "./SysmonProbe.ts"
import * as TargetGuard from "./TargetGuard.ts"

export interface ProbeTableOptions {
  readonly config: AgentConfig
  /** The PATH variable, for the ping programs. */
  readonly path: string | undefined
}

/** Stands for this host in payloads when it has no network. */
const loopback = "127.0.0.1"

/**
 * `grpc` with a sysmon name and no address anywhere means this host: so core, which takes metrics only from type `grpc`,
 * gets them without an external checker.
 */
const grpcOrOwnSysmon = (
  checkers: GrpcCheckers["Service"],
  sysmon: Prepare<FileSystem.FileSystem>
): Prepare<GrpcCheckers | FileSystem.FileSystem> =>
(request) =>
  request.details.trim() === "" && isSysmonName(request.serviceName)
    && Result.isFailure(checkers.addressOf(request.serviceName, ""))
    ? sysmon(request)
    : GrpcCheckerProbe.prepare(request)

export const layer = ({ config, path }: ProbeTableOptions) =>
  Layer.effect(
    Prober,
    Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const checkers = yield* GrpcCheckers
      const provided = (prepare: Prepare<GrpcCheckers | FileSystem.FileSystem>): Prepare => (request) =>
        prepare(request).pipe(
          Effect.provideService(GrpcCheckers, checkers),
          Effect.provideService(FileSystem.FileSystem, fs)
        )
      const commands = yield* Command.make()
      const patterns = yield* BodyPattern.make
      const processes = yield* ProcessList.make(fs)
      const names = yield* TargetGuard.make(config.targets)
      const [ownAddress = loopback] = yield* HostNetwork.use(({ addresses }) => addresses)
      const hostIp = config.hostIp === "" ? ownAddress : config.hostIp
      const sysmon = SysmonProbe.prepare({ hostIp, partition: config.partition })
      return Prober.make(
        {
          port: PortProbe.prepare(names),
          process: provided(ProcessProbe.prepare({ commands, processes })),
          icmp: IcmpProbe.prepare({ names, commands, path, partition: config.partition, hostIp }),
          http: provided(HttpProbe.prepare({ names, patterns })),
          sysmon: provided(sysmon),
          grpc: provided(grpcOrOwnSysmon(checkers, sysmon))
        } satisfies Readonly<Record<ProbedType, Prepare>>
      )
    })
  ).pipe(Layer.provide(NodeHostNetwork.layer))
