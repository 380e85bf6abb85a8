/** All checks that this agent knows, by service type: a row each. */
import { Effect, FileSystem, Layer, Record } from "effect"
import type { AgentConfig } from "../../domain/agent/AgentConfig.ts"
import type { ProbedType } from "../../domain/monitoring/ServiceKinds.ts"
import { HostNetwork } from "../../services/monitoring/HostNetwork.ts"
import { Prober } from "../../services/monitoring/Prober.ts"
import * as NodeHostNetwork from "../process/NodeHostNetwork.ts"
import * as ProcessTable from "../process/ProcessTable.ts"
import * as Command from "./Command.ts"
import * as DnsProbe from "./dns/DnsProbe.ts"
import * as ExecProbe from "./exec/ExecProbe.ts"
import * as ProgramRun from "./exec/ProgramRun.ts"
import * as GrpcCheckerProbe from "./GrpcCheckerProbe.ts"
import { GrpcCheckers } from "./GrpcCheckers.ts"
import * as BodyPattern from "./http/BodyPattern.ts"
import * as HttpProbe from "./http/HttpProbe.ts"
import * as IcmpProbe from "./IcmpProbe.ts"
import { CheckerModules } from "./modules/CheckerModules.ts"
import * as TcpProbe from "./net/TcpProbe.ts"
import * as UdpProbe from "./net/UdpProbe.ts"
import * as PortProbe from "./PortProbe.ts"
import type { Kind, ProbeKit } from "./ProbeKit.ts"
import * as ProcessList from "./process/ProcessList.ts"
import * as ProcessProbe from "./process/ProcessProbe.ts"
import * as SnmpProbe from "./snmp/SnmpProbe.ts"
import * as SysmonProbe from "./SysmonProbe.ts"
import * as TargetGuard from "./TargetGuard.ts"
import * as TlsProbe from "./tls/TlsProbe.ts"

export const table = {
  icmp: IcmpProbe.kind,
  port: PortProbe.kind,
  tcp: TcpProbe.kind,
  udp: UdpProbe.kind,
  dns: DnsProbe.kind,
  http: HttpProbe.kind,
  tls: TlsProbe.kind,
  process: ProcessProbe.kind,
  exec: ExecProbe.kind,
  sysmon: SysmonProbe.kind,
  snmp: SnmpProbe.kind,
  grpc: GrpcCheckerProbe.kind
} satisfies Readonly<Record<ProbedType, Kind>>

export interface ProbeTableOptions {
  /** Whether the details of an `exec` check may be the program itself; for users at their own command line. */
  readonly takesPrograms?: boolean
  readonly config: AgentConfig
  /** The PATH variable, for the ping programs. */
  readonly path: string | undefined
}

/** Stands for this host in payloads when it has no network. */
const loopback = "127.0.0.1"

export const layer = ({ config, path, takesPrograms = false }: ProbeTableOptions) =>
  Layer.effect(
    Prober,
    Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const [ownAddress = loopback] = yield* HostNetwork.use(({ addresses }) => addresses)
      const processTable = yield* ProcessTable.shared()
      const kit: ProbeKit = {
        config,
        fs,
        path,
        checkers: yield* GrpcCheckers,
        commands: yield* Command.make(),
        patterns: yield* BodyPattern.make,
        processes: yield* ProcessList.make(fs, processTable),
        programs: yield* ProgramRun.make(path),
        takesPrograms,
        processTable,
        names: yield* TargetGuard.make(config.targets),
        hostIp: config.hostIp === "" ? ownAddress : config.hostIp
      }
      const modules = yield* CheckerModules
      return Prober.make(Record.map(table, (kind: Kind) => kind.prepare(kit)), modules)
    })
  ).pipe(Layer.provide(NodeHostNetwork.layer))
