/**
 * The sweep of an agent: what its file and its key in the data service say, swept again and again.
 *
 *   TcpScanner    sweeps, in threads and programs that live as long as a sweep
 *   SweepConfig   follows the key, where the agent has a data service
 */
import { Effect, Layer, Option, Stream } from "effect"
import * as path from "node:path"
import type { AgentConfig } from "../../domain/agent/AgentConfig.ts"
import * as Backoff from "../../domain/backoff/Backoff.ts"
import * as FileSweepState from "../../layers/agent/sweep/FileSweepState.ts"
import * as GrpcSweepConfigReader from "../../layers/agent/sweep/GrpcSweepConfigReader.ts"
import * as NodeSweepScanner from "../../layers/agent/sweep/NodeSweepScanner.ts"
import * as SweepAnswers from "../../layers/agent/sweep/SweepAnswers.ts"
import * as SweepFile from "../../layers/agent/sweep/SweepFile.ts"
import * as StateFolder from "../../layers/files/StateFolder.ts"
import * as SecurityLayer from "../../layers/security/SecurityLayer.ts"
import { SweepAssignment } from "../../services/agent/sweep/SweepAssignment.ts"
import { SweepConfigReader, SweepConfigUnavailable } from "../../services/agent/sweep/SweepConfigReader.ts"
import { Sweeper } from "../../services/agent/sweep/Sweeper.ts"
import type { SweepScanner } from "../../services/agent/sweep/SweepScanner.ts"
import { SweepState } from "../../services/agent/sweep/SweepState.ts"
import type * as ChildSpec from "../../services/supervision/ChildSpec.ts"
import * as Supervisor from "../../services/supervision/Supervisor.ts"

/** A sweep that cannot go on is no reason for the agent's end. */
const again = Backoff.capped({ from: "5 seconds", to: "5 minutes" })

const scanner = Supervisor.child({
  id: "TcpScanner",
  shutdown: "2 seconds",
  run: Sweeper.use(({ run }) => run).pipe(
    Effect.tapError(({ message }) => Effect.logWarning(message)),
    Effect.retry(again),
    // The schedule has no end, which its type cannot say.
    Effect.orDie
  )
})

const assigned = Supervisor.child({
  id: "SweepConfig",
  run: SweepAssignment.use(({ keep }) => keep)
})

const stateOf = (agentId: string) =>
  Layer.unwrap(Effect.gen(function*() {
    const found = yield* StateFolder.find("agent", agentId)
    if (found._tag === "Success") return FileSweepState.layer(path.join(found.success, "sweep"))
    yield* Effect.logWarning(`an interrupted sweep cannot be continued: ${found.failure}`)
    return SweepState.layerNothing
  }))

/** Nobody tells the agent anything. */
const noReader = Layer.succeed(SweepConfigReader, {
  values: () => Stream.never,
  object: (key) => Effect.fail(new SweepConfigUnavailable({ key, detail: "this agent has no data service" }))
})

type Child = ChildSpec.ChildSpec<never, Sweeper | SweepAssignment | SweepScanner>

/** The children of an agent that sweeps, none where nothing can say what, and what those and its answers need. */
export const make = Effect.fn("AgentSweep.make")(function*(config: AgentConfig, searchPath: string | undefined) {
  const file = yield* SweepFile.make(config.checkersDir)
  const children: ReadonlyArray<Child> = [
    ...(config.checkersDir !== "" || Option.isSome(config.kv) ? [scanner] : []),
    ...(Option.isSome(config.kv) ? [assigned] : [])
  ]
  const reader = Option.match(config.kv, {
    onNone: () => noReader,
    onSome: (kv) => Layer.provide(GrpcSweepConfigReader.layer(kv), SecurityLayer.layer)
  })
  const assignment = SweepAssignment.layer(config.agentId).pipe(Layer.provide(reader))
  const sweeper = Layer.unwrap(
    SweepAssignment.useSync(({ told }) => Sweeper.layer({ policy: config.targets, file, told }))
  )
  const layer = sweeper.pipe(
    Layer.provide(children.length === 0 ? SweepState.layerNothing : stateOf(config.agentId)),
    Layer.provideMerge(assignment),
    Layer.provideMerge(NodeSweepScanner.layer(searchPath))
  )
  return { children, layer, answered: children.length === 0 ? [] : [SweepAnswers.serviceType] }
})
