/** The real agent, whose probes are of simulated targets. */
import { Duration, Effect, Layer } from "effect"
import { Management } from "../../../src/layers/http/Management.ts"
import { GrpcCheckers } from "../../../src/layers/probes/GrpcCheckers.ts"
import * as AgentProgram from "../../../src/programs/agent/AgentProgram.ts"
import * as AgentSource from "../../../src/programs/agent/AgentSource.ts"
import * as ConfigWatcher from "../../../src/programs/agent/ConfigWatcher.ts"
import { CheckRunner } from "../../../src/services/agent/CheckRunner.ts"
import * as LiveConfig from "../../../src/services/agent/LiveConfig.ts"
import { CheckerPrograms } from "../../../src/services/agent/programs/CheckerPrograms.ts"
import { SyncResults } from "../../../src/services/agent/SyncResults.ts"
import { type Prepare, Prober } from "../../../src/services/monitoring/Prober.ts"
import { SupervisionTree } from "../../../src/services/supervision/SupervisionTree.ts"
import * as Supervisor from "../../../src/services/supervision/Supervisor.ts"
import type { Measurements } from "../Measurements.ts"
import * as Certificates from "./Certificates.ts"
import { HostFiles } from "./HostFiles.ts"
import type { IllWill } from "./IllWill.ts"
import { checkerName } from "./PollerFile.ts"
import { securedWith } from "./Secured.ts"

export const port = 50_051

/** What is done to an agent beside its host and its links. */
export interface AgentTrouble {
  /** Its checks never come to an end. */
  hangs: boolean
  /** Its checks die. */
  breaks: boolean
  /** Its answers are no JSON. */
  lies: boolean
}

/** With what it puts on the wire itself. */
export type AgentWill = AgentTrouble & IllWill

/** Every fiftieth finds its target down. */
export const isUp = (measurement: number): boolean => measurement % 50 !== 0

const garbage = "}{"

/** What a status holds of an answer that is no JSON. */
export const isGarbage = (document: string): boolean => document.includes(garbage)

const target = (measurements: Measurements, agentId: string, trouble: AgentTrouble): Prepare => (request) =>
  Effect.succeed({
    timeout: Duration.seconds(5),
    check: Effect.suspend(() => {
      if (trouble.breaks) return Effect.die(new Error("the probe broke"))
      if (trouble.hangs) return Effect.never
      return Effect.map(Effect.sleep(5), () => {
        const number = measurements.measured(agentId, request.serviceName)
        return {
          available: isUp(number),
          message: trouble.lies ? `${garbage} ${number}` : JSON.stringify({ measurement: number }),
          responseTimeNanos: 5_000_000n
        }
      })
    }),
    failed: (reason) => ({
      available: false,
      message: JSON.stringify({ error: reason }),
      responseTimeNanos: 0n
    })
  })

export const path = "/etc/serviceradar/agent.json"
const checkersFolder = "/etc/serviceradar/checkers"

/** Nobody is at any of them; that it is sought there is all that is asked. */
const checkerPrefix = "checker-"

export const isChecker = (host: string): boolean => host.startsWith(checkerPrefix)

/** The files of an agent, with one of a checker that has the name of a check, and one of a checker that is asked for results. */
export const filesOf = (agentId: string, check: string, isSecured: boolean) => {
  const files = new HostFiles()
  const write = (way: number) => {
    files.write(
      `${checkersFolder}/${check}.json`,
      JSON.stringify({ name: check, type: "grpc", address: `127.0.0.1:${way}` })
    )
    // Without certificates the world is one of before there was such a thing.
    if (!isSecured) return
    files.write(
      `${checkersFolder}/${checkerName}.json`,
      JSON.stringify({ name: checkerName, type: "grpc", address: `${checkerPrefix}${way}:9` })
    )
  }
  files.write(
    path,
    JSON.stringify({
      agent_id: agentId,
      listen_addr: `0.0.0.0:${port}`,
      checkers_dir: checkersFolder,
      ...(isSecured ? { security: Certificates.block("agent") } : {})
    })
  )
  write(1_001)
  let ways = 1_001
  return {
    files,
    /** The host at which that of results is. */
    checker: () => `${checkerPrefix}${ways}`,
    /** The checker is at another address from now on. */
    change: (): void => {
      ways += 1
      write(ways)
    }
  }
}

export interface AgentParty {
  readonly host: HostFiles
  readonly isWatched: boolean
  readonly agentId: string
  readonly measurements: Measurements
  readonly trouble: AgentTrouble
}

export const program = ({ agentId, host, isWatched, measurements, trouble }: AgentParty) =>
  Effect.gen(function*() {
    const source = yield* AgentSource.open(path)
    const since = yield* ConfigWatcher.stampOf(path, checkersFolder)
    const live = LiveConfig.make(yield* AgentSource.read(source))
    const { config } = live
    return yield* Supervisor.run(AgentProgram.tree(config, isWatched ? { watched: { source, live, since } } : {})).pipe(
      Effect.provide(
        CheckRunner.layer().pipe(
          Layer.provide(Prober.layer({ port: target(measurements, agentId, trouble) })),
          Layer.merge(CheckerPrograms.layer(() => Effect.never, [])),
          Layer.merge(SyncResults.layer()),
          Layer.provideMerge(GrpcCheckers.layer(config)),
          Layer.provideMerge(Management.layer)
        )
      )
    )
  }).pipe(Effect.provide(Layer.provideMerge(securedWith(host), SupervisionTree.layer)))
