/** Core's API and the same by hand, in one process: what is measured is this process and its database. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { DateTime, Effect, Layer, Logger, ManagedRuntime, Option, Redacted, Schedule, Scope } from "effect"
import * as AuthConfig from "../../src/domain/core/AuthConfig.ts"
import { exposed } from "../../src/domain/core/PublicResources.ts"
import { defaultTenantId } from "../../src/domain/identity/Tenant.ts"
import type { Sighting } from "../../src/domain/inventory/devices/Sighting.ts"
import { application } from "../../src/domain/records/Schema.ts"
import { Management } from "../../src/layers/http/Management.ts"
import * as ManagementServer from "../../src/layers/http/ManagementServer.ts"
import { AccessTokens } from "../../src/layers/identity/AccessTokens.ts"
import * as ApiTokens from "../../src/layers/identity/ApiTokens.ts"
import * as SignedIn from "../../src/layers/identity/SignedIn.ts"
import * as PgDeviceRegistry from "../../src/layers/inventory/PgDeviceRegistry.ts"
import * as JsonApi from "../../src/layers/jsonapi/JsonApi.ts"
import { DatabaseEndpoint } from "../../src/layers/postgres/connection/DatabaseEndpoint.ts"
import { PgConnection } from "../../src/layers/postgres/connection/PgConnection.ts"
import { migrations, records } from "../../src/programs/core/ControlPlane.ts"
import * as Directory from "../../src/services/identity/Directory.ts"
import { DeviceRegistry } from "../../src/services/inventory/DeviceRegistry.ts"
import { SupervisionTree } from "../../src/services/supervision/SupervisionTree.ts"
import * as Forked from "../processes/Forked.ts"
import * as Hand from "./Hand.ts"
import { type Ingested, type Question, type ServerOptions, type Started, uidOf } from "./Protocol.ts"

const { url }: ServerOptions = JSON.parse(Forked.options())

const keeping = Layer.effectDiscard(
  Effect.gen(function*() {
    const connection = yield* PgConnection
    yield* Effect.forkScoped(connection.keep)
    yield* connection.check.pipe(Effect.retry(Schedule.spaced("20 millis")), Effect.timeout("60 seconds"))
  })
)

const layer = SignedIn.layer({ isSecure: false }).pipe(Layer.provide(AccessTokens.layer(AuthConfig.fromBlock().tokens)))
  .pipe(
    Layer.provideMerge(records),
    Layer.provideMerge(PgDeviceRegistry.layer),
    Layer.provideMerge(keeping),
    Layer.provideMerge(PgConnection.layer({ migrations, application })),
    Layer.provideMerge(DatabaseEndpoint.layer(Option.some(Redacted.make(url)))),
    Layer.provideMerge(Management.layer),
    Layer.provideMerge(SupervisionTree.layer),
    Layer.provideMerge(NodeServices.layer),
    Layer.provideMerge(Logger.layer([]))
  )

const runtime = ManagedRuntime.make(layer)
const life = Scope.makeUnsafe()

const start = Effect.gen(function*() {
  const user = yield* Directory.addUser({ email: "bench@example.org", role: "admin" }, "bench")
  if (user === null) return yield* Effect.die(new Error("there is no user"))
  const token = Redacted.value(yield* ApiTokens.issue({ user, name: "bench", scope: "admin" }, "bench"))
  yield* Management.use(({ register }) =>
    Effect.andThen(
      register({ mounts: [JsonApi.mount({ base: "/api/v2", exposed })] }),
      register({ mounts: [Hand.mount] })
    )
  )
  const { address } = yield* ManagementServer.make({ host: "127.0.0.1", port: 0 })
  return { address, token } satisfies Started
}).pipe(Scope.provide(life))

const sightingOf = (at: number, round: number, now: DateTime.Utc): Sighting => ({
  partition: "default",
  uid: uidOf(at),
  identifiers: [],
  ip: `10.${at >> 16 & 255}.${at >> 8 & 255}.${at & 255}`,
  hostname: `host-${at}-${round}`,
  mac: "",
  isAvailable: true,
  isProof: true,
  source: "bench",
  pollerId: "poller",
  agentId: "agent",
  seenAt: now
})

const ingest = Effect.fnUntraced(function*({ from, round, sightings }: Extract<Question, { _tag: "Ingest" }>) {
  const now = yield* DateTime.now
  const all = Array.from({ length: sightings }, (_, at) => sightingOf(from + at, round, now))
  const startedMillis = performance.now()
  const { changed, made } = yield* DeviceRegistry.use((registry) => registry.sight(defaultTenantId, all))
  return { seconds: (performance.now() - startedMillis) / 1000, made, changed } satisfies Ingested
})

Forked.answer((text) => {
  const question: Question = JSON.parse(text)
  switch (question._tag) {
    case "Start":
      return runtime.runPromise(start)
    case "Ingest":
      return runtime.runPromise(ingest(question))
    case "Cpu": {
      const { system, user } = process.cpuUsage()
      return (system + user) / 1e6
    }
  }
})
