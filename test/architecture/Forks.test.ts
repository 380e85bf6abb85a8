import { assert, describe, it } from "@effect/vitest"
import * as path from "node:path"
import { readSources, type SourceFile } from "./SourceTree.ts"

const root = path.resolve(import.meta.dirname, "../..")

/** Whatever starts a fiber that nobody may be waiting for; what a supervisor starts is none of these. */
const fork = /\bEffect\.(?:fork(?:Child|Scoped|Detach|In)|run(?:Fork|Callback|Promise|Sync)\w*)\b/g

/** Where fibers are started beside the children of supervisors, how often, and who hears of their end. */
const known: Readonly<Record<string, readonly [count: number, heardBy: string]>> = {
  "src/services/supervision/Supervisor.ts": [1, "the supervisor itself: its end is the end of whoever runs it"],
  "src/services/supervision/DynamicSupervisor.ts": [1, "the supervisor itself, likewise"],
  "src/services/supervision/internal/SupervisorObserver.ts": [1, "children: the observer tells their supervisor"],
  "src/services/supervision/internal/actor/ActorSending.ts": [1, "a timer that answers one caller"],
  "src/services/supervision/internal/actor/ActorSystem.ts": [1, "a timer that answers one caller"],
  "src/services/supervision/testing/TestTree.ts": [4, "the tree under test, and acts upon it, joined or bounded"],
  "src/services/churn/FiberRing.ts": [1, "whoever has it run: its end is its own answer"],
  "src/services/backoff/ScopedLoop.ts": [1, "the log: a loop that fails is told of and begun again"],
  "src/services/simulation/Process.ts": [1, "the host: the end of a program is the end of its process"],
  "src/services/agent/CheckerLives.ts": [1, "the supervisor of checkers, which bounds each stop"],
  "src/services/poller/CheckLoops.ts": [1, "the child that runs them: a poll or an alarm that fails fails it"],
  "src/services/poller/CheckScheduler.ts": [1, "joined, up to a limit once it is to end"],
  "src/services/poller/ConnectionManager.ts": [1, "nobody: a turn that its agent has for 100 ms at most"],
  "src/services/security/SecurityContext.ts": [
    1,
    "nobody: tries to open certificates until they can be, which never fails"
  ],
  "src/services/pipeline/internal/HandedOver.ts": [1, "joined"],
  "src/services/pipeline/internal/WithinLimit.ts": [1, "joined, up to a limit"],
  "src/services/event-writer/DatabaseHealth.ts": [1, "joined, up to a limit"],
  "src/layers/http/Readiness.ts": [1, "joined, up to a limit"],
  "src/layers/grpc/GrpcServer.ts": [2, "joined, up to a limit; and nobody: one line of the log"],
  "src/layers/grpc/GrpcChannel.ts": [1, "the log; interrupted with the channel whose certificates are renewed"],
  "src/layers/agent/AgentServiceHandlers.ts": [1, "the caller: its end is the answer, and the call's end is its own"],
  "src/layers/agent/programs/PortProgram.ts": [1, "nobody: one line of the log"],
  "src/layers/probes/NameLookup.ts": [1, "joined by all who ask for the name"],
  "src/layers/probes/modules/ModuleProbe.ts": [
    1,
    "nobody: a turn that a thread has until it runs, or its start is given up"
  ],
  "src/layers/probes/process/ProcessList.ts": [1, "joined by all who ask for the list"],
  "src/layers/events/jetstream/Pulls.ts": [1, "whoever pulls"],
  "src/layers/inventory/PgDeviceRegistry.ts": [1, "joined; where one fails the other ends with the scope"],
  "src/layers/nats/connection/NatsConnection.ts": [1, "nobody: the one closing of a connection that is replaced"],
  "src/layers/queries/LowPriority.ts": [1, "nobody: one look for processes, which are as they were without it"],
  "src/layers/queries/PgQueries.ts": [1, "nobody: the closing of a stream that nobody has begun to read"],
  "src/layers/queries/QueryPool.ts": [1, "nobody: the one closing of a pool that is replaced"],
  "src/layers/postgres/connection/PgConnection.ts": [1, "nobody: the one closing of a pool that is replaced"],
  "src/layers/process/ProcessMain.ts": [2, "the process: its exit code"],
  "src/layers/process/ServerLog.ts": [1, "nobody: one line of the log"],
  "src/layers/security/ConnectionEvents.ts": [1, "nobody: one event of a connection"],
  "src/layers/sockets/ConnectionGuard.ts": [1, "nobody: one line of the log"],
  "src/programs/cli/srql/Candidates.ts": [1, "whoever types: the callback of the tabulator"],
  "src/programs/up/LocalNats.ts": [1, "nobody: one notice, interrupted with what it tells of"]
}

const forks = (files: ReadonlyArray<SourceFile>): Readonly<Record<string, number>> =>
  Object.fromEntries(
    files.flatMap((file) => {
      const count = [...file.text.matchAll(fork)].length
      return count === 0 ? [] : [[file.path, count]]
    })
  )

describe("Fibers", () => {
  it("are children of a supervisor, or somebody is known to hear of their end", () => {
    const expected = Object.fromEntries(Object.entries(known).map(([file, [count]]) => [file, count]))

    assert.deepStrictEqual(forks(readSources(root, "src")), expected)
  })

  it.each(["yield* Effect.forkScoped(loop)", "loop.pipe(Effect.forkDetach)", "Effect.runForkWith(context)(loop)"])(
    "are found where they are forked: %s",
    (text) => {
      assert.deepStrictEqual(forks([{ path: "src/layers/a/A.ts", text }]), { "src/layers/a/A.ts": 1 })
    }
  )
})
