/** What the probes of a host share. */
import type { FileSystem } from "effect"
import type { AgentConfig } from "../../domain/agent/AgentConfig.ts"
import type { ProbeKind } from "../../services/monitoring/ProbeKind.ts"
import type * as ProcessTable from "../process/ProcessTable.ts"
import type { Commands } from "./Command.ts"
import type { ProgramRun } from "./exec/ProgramRun.ts"
import type { GrpcCheckers } from "./GrpcCheckers.ts"
import type { BodyPattern } from "./http/BodyPattern.ts"
import type { ProcessList } from "./process/ProcessList.ts"
import type { TargetGuard } from "./TargetGuard.ts"

export interface ProbeKit {
  readonly config: AgentConfig
  readonly fs: FileSystem.FileSystem
  /** Resolves the names of targets and refuses those that are denied: the only way to an address to dial. */
  readonly names: TargetGuard
  /** Expressions of operators against text from the network. */
  readonly patterns: BodyPattern
  readonly commands: Commands
  /** All processes of this host, with what they use; one reading serves those who ask together. */
  readonly processTable: ReturnType<typeof ProcessTable.read>
  /** Those that run, with their command lines. */
  readonly processes: ProcessList
  readonly programs: ProgramRun
  /** Whether the details of a check may name a program to run: only where the user gives them, on the command line. */
  readonly takesPrograms: boolean
  readonly checkers: GrpcCheckers["Service"]
  /** The PATH variable. */
  readonly path: string | undefined
  /** Stands for this host in messages. */
  readonly hostIp: string
}

export type Kind = ProbeKind<ProbeKit>
