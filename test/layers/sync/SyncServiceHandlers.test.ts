import { assert, describe, it } from "@effect/vitest"
import { Clock, Deferred, Effect, Fiber, Stream } from "effect"
import * as path from "node:path"
import { AgentServiceService, type ResultsChunk } from "../../../src/gen/monitoring/monitoring.ts"
import * as GrpcClient from "../../../src/layers/grpc/GrpcClient.ts"
import * as GrpcServer from "../../../src/layers/grpc/GrpcServer.ts"
import * as FakeArmis from "../../../src/layers/sync/fakes/FakeArmis.ts"
import * as SourceTable from "../../../src/layers/sync/SourceTable.ts"
import * as SyncServiceHandlers from "../../../src/layers/sync/SyncServiceHandlers.ts"
import * as rig from "../../support/syncRig.ts"
import { temporaryFolder } from "../../support/temporaryFolder.ts"

/** Far more than the buffers between a server and a reader hold. */
const devices = 20_000

const statusRequest = { serviceName: "sync", serviceType: "sync", agentId: "", pollerId: "p", details: "", port: 0 }

const request = {
  serviceName: "sync",
  serviceType: "sync",
  agentId: "",
  pollerId: "p",
  details: "",
  lastSequence: "",
  completionStatus: undefined
}

/** What a reader has after its last chunk: how many devices, of which revisions, under which sequences. */
const read = (chunks: ReadonlyArray<ResultsChunk>) => {
  const names = chunks.flatMap(({ data }) => data.toString("utf8").match(/"hostname":"[^"]*"/g) ?? [])
  return {
    devices: names.length,
    revisions: [...new Set(names.map((name) => /-R\d+"$/.exec(name)?.[0] ?? ""))],
    sequences: new Set(chunks.map(({ currentSequence }) => currentSequence)).size
  }
}

describe("SyncServiceHandlers", () => {
  it.live(
    "lets a slow reader have the set that it began with, and nobody wait for it",
    () =>
      Effect.gen(function*() {
        const armis = yield* FakeArmis.serve({ devices })
        const folder = yield* temporaryFolder
        const config = rig.configOf(path.join(folder, "spool"), {
          sources: { armis: rig.armis(armis.url, { credentials: { secret_key: "s", page_size: "1000" } }) }
        })
        yield* Effect.gen(function*() {
          const sources = yield* SourceTable.make(config)
          yield* rig.cycle(sources)
          const server = yield* GrpcServer.make({
            host: "127.0.0.1",
            port: 0,
            grace: 0,
            services: [SyncServiceHandlers.make(Effect.succeed({ agentId: "agent-a", sources: ["armis"] }))]
          })
          const client = yield* GrpcClient.make(AgentServiceService, { target: server.address })
          const begun = yield* Deferred.make<void>()
          const goOn = yield* Deferred.make<void>()
          const slow = yield* client.streamResults(request).pipe(
            Stream.tap(() => Effect.andThen(Deferred.succeed(begun, undefined), Deferred.await(goOn))),
            Stream.runCollect,
            Effect.forkChild
          )
          yield* Deferred.await(begun)

          armis.set({ revision: 1 })
          yield* rig.cycle(sources)
          const askedAt = yield* Clock.currentTimeMillis
          yield* client.getStatus(statusRequest)
          const waited = (yield* Clock.currentTimeMillis) - askedAt
          const fast = read(yield* Stream.runCollect(client.streamResults(request)))

          // 100 ms on a quiet machine, as `npm run bench -- sync` measures; far from the ten seconds of a shared lock.
          assert.isBelow(waited, 2_000)
          assert.deepStrictEqual(fast, { devices, revisions: ["-R1\""], sequences: 1 })
          yield* Deferred.succeed(goOn, undefined)
          assert.deepStrictEqual(read(yield* Fiber.join(slow)), {
            devices,
            revisions: [""],
            sequences: 1
          })
        }).pipe(Effect.scoped, Effect.provide(rig.layer(config)))
      }).pipe(Effect.scoped),
    60_000
  )
})
