/** `serviceradar sync` as a user starts it: a separate process between fake sources, a data service and a poller. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import { Effect, FileSystem, Option, Schema, Stream } from "effect"
import * as https from "node:https"
import { AgentServiceService } from "../../src/gen/monitoring/monitoring.ts"
import * as GrpcClient from "../../src/layers/grpc/GrpcClient.ts"
import * as FakeArmis from "../../src/layers/sync/fakes/FakeArmis.ts"
import * as FakeNetBox from "../../src/layers/sync/fakes/FakeNetBox.ts"
import * as FakeDataService from "../fixtures/FakeDataService.ts"
import { authority } from "../support/authority.ts"
import * as Program from "../support/Program.ts"
import * as rig from "../support/syncRig.ts"

const Status = Schema.fromJsonString(Schema.Struct({
  devices: Schema.Int,
  status: Schema.String,
  sequence: Schema.String,
  stale: Schema.Array(
    Schema.Struct({ source: Schema.String, reason: Schema.String, plan: Schema.optionalKey(Schema.String) })
  )
}))
const statusOf = Schema.decodeUnknownSync(Status)

const statusRequest = { serviceName: "sync", serviceType: "sync", agentId: "", pollerId: "p", details: "", port: 0 }

const resultsRequest = {
  serviceName: "sync",
  serviceType: "sync",
  agentId: "",
  pollerId: "poller-a",
  details: "",
  lastSequence: "whatever-was-last",
  completionStatus: undefined
}

const world = Effect.gen(function*() {
  const files = yield* FileSystem.FileSystem
  const armis = yield* FakeArmis.serve({ devices: 3_000 })
  const netbox = yield* FakeNetBox.serve({ devices: 200 })
  const data = yield* FakeDataService.serve
  const directory = yield* files.makeTempDirectoryScoped({ prefix: "serviceradar-sync-" })
  const port = yield* Program.freePort
  const http = yield* Program.freePort
  const file = `${directory}/sync.json`
  const spool = `${directory}/spool`
  const written = {
    listen_addr: `127.0.0.1:${port}`,
    kv_address: data.address,
    discovery_interval: "1s",
    agent_id: "agent-a",
    poller_id: "poller-a",
    spool_dir: spool,
    sources: { armis: rig.armis(armis.url), netbox: rig.netbox(netbox.url) }
  }
  yield* files.writeFileString(file, JSON.stringify(written))
  const start = Program.start(["sync", "--config", file, "--http", `127.0.0.1:${http}`])
  const sync = yield* GrpcClient.make(AgentServiceService, { target: `127.0.0.1:${port}` })
  const status = Effect.map(sync.getStatus(statusRequest), ({ message }) => statusOf(message.toString("utf8")))
  return { armis, data, file, http, netbox, port, spool, start, status, sync, written }
})

const until = <A, E>(
  what: string,
  program: Program.Program,
  probe: Effect.Effect<A, E>,
  isTrue: (value: A) => boolean
) =>
  Program.eventually(what, Effect.map(probe, Option.liftPredicate(isTrue)), {
    within: "30 seconds",
    programs: [program]
  })

describe("serviceradar sync", () => {
  it.live(
    "serves devices to pollers and sweep configs to agents, and outlives its sources and its own death",
    () =>
      Effect.gen(function*() {
        const { armis, data, file, http, start, status, sync } = yield* world
        const program = yield* start
        yield* until("all devices are served", program, status, (one) => one.devices === 3_200)

        const chunks = yield* Stream.runCollect(sync.streamResults(resultsRequest))
        const elements = chunks.flatMap(({ data: bytes }): ReadonlyArray<unknown> => JSON.parse(bytes.toString("utf8")))
        assert.lengthOf(elements, 3_200)
        assert.deepStrictEqual(
          chunks.map(({ isFinal }) => isFinal),
          chunks.map((_, index) => index === chunks.length - 1)
        )
        assert.deepStrictEqual(chunks.map(({ chunkIndex }) => chunkIndex), [...chunks.keys()])
        assert.isAbove(chunks.length, 1)
        assert.isBelow(Math.max(...chunks.map(({ data: bytes }) => bytes.length)), 4 * 1024 * 1024)
        assert.strictEqual(new Set(chunks.map(({ currentSequence }) => currentSequence)).size, 1)
        const results = yield* sync.getResults(resultsRequest)
        assert.isTrue(results.hasNewData)
        assert.lengthOf(JSON.parse(results.data.toString("utf8")), 3_200)
        yield* until("both agents have a config", program, Effect.sync(() => data.keys.size), (size) => size === 2)
        const ready = yield* Program.fetchJson(`http://127.0.0.1:${http}/health/ready`)
        assert.deepInclude(ready, { status: "ready" })

        // Half of a source is gone: nothing happens until a person says that it is right.
        armis.set({ devices: 100 })
        const held = yield* until(
          "armis is held",
          program,
          status,
          // A run that was under way when the source shrank is incomplete first.
          (one) => one.stale.some(({ reason }) => reason === "too_few_devices")
        )
        assert.deepInclude(held, { devices: 3_200, status: "degraded" })
        assert.deepInclude(held.stale[0], { source: "armis", reason: "too_few_devices" })
        armis.set({ faults: [{ kind: "500" }] })
        yield* program.kill("SIGKILL")
        yield* program.exited
        const second = yield* start
        const after = yield* until("the second one serves", second, status, (one) => one.devices === 3_200)
        assert.isAtLeast(Number(after.sequence), Number(held.sequence))
        armis.set({ faults: [] })
        const again = yield* until("armis is held again", second, status, (one) =>
          one.stale.some(({ plan }) =>
            plan !== undefined
          ))
        const apply = yield* Program.start(["sync", "apply", again.stale[0]?.plan ?? "", "--config", file])
        const code = yield* apply.exited
        // The service may have made a newer plan in between; then the older one is refused and nothing changes.
        if (code === 0) {
          yield* until("the plan is served", second, status, (one) =>
            one.devices === 300)
        } else assert.include(apply.output(), "is not applied")

        yield* second.kill("SIGTERM")
        assert.strictEqual(yield* second.exited, 0)
      }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)),
    120_000
  )

  it.live(
    "reads its file again at SIGHUP: what can change takes effect at once, and a bad file changes nothing",
    () =>
      Effect.gen(function*() {
        const files = yield* FileSystem.FileSystem
        const { armis, file, netbox, start, status, written } = yield* world
        const write = (change: Readonly<Record<string, unknown>>) =>
          files.writeFileString(file, JSON.stringify({ ...written, ...change }))
        const says = (program: Program.Program, text: string) =>
          until(`it says ${text}`, program, Effect.sync(program.output), (output) => output.includes(text))
        const { armis: hq, netbox: nb } = written.sources
        // Nobody is asked again by himself.
        yield* write({ discovery_interval: "1h" })
        const program = yield* start
        yield* until("all devices are served", program, status, (one) => one.devices === 3_200)
        const asked = { armis: armis.requests.length, netbox: netbox.requests.length }

        // A source goes, one comes; the other is left alone.
        const extra = yield* FakeNetBox.serve({ devices: 40 })
        yield* write({
          discovery_interval: "1h",
          agent_id: "agent-b",
          sources: { armis: { ...hq, agent_id: "agent-a" }, extra: rig.netbox(extra.url) }
        })
        yield* program.kill("SIGHUP")
        yield* says(program, "sources new: extra; gone: netbox")
        yield* until("the new source is served", program, status, (one) => one.devices === 3_040)
        // Also the one whose agent was the top level's and is now its own: that is the same.
        assert.deepStrictEqual({ armis: armis.requests.length, netbox: netbox.requests.length }, asked)

        // A bad file, and one that is none, change nothing.
        yield* write({ discovery_interval: 5 })
        yield* program.kill("SIGHUP")
        yield* says(program, "The configuration as it was stays, the file cannot be used: ")
        yield* says(program, "discovery_interval is 5, expected")
        yield* files.remove(file)
        yield* program.kill("SIGHUP")
        yield* says(program, "cannot be read: there is no such file")
        assert.deepInclude(yield* status, { devices: 3_040, status: "healthy" })

        // An interval takes effect; what the process is made of does not, and is named.
        const before = armis.requests.length
        yield* write({ discovery_interval: "500ms", listen_addr: ":1", sources: { armis: hq, netbox: nb } })
        yield* program.kill("SIGHUP")
        yield* says(program, "listen_addr is another one in the file")
        yield* until(
          "it is asked again and again",
          program,
          Effect.sync(() => armis.requests.length),
          (count) => count > before + 3 * 31
        )
        yield* until("the old sources are back", program, status, (one) => one.devices === 3_200)
        yield* program.kill("SIGTERM")
        assert.strictEqual(yield* program.exited, 0)
        assert.notInclude(program.output(), "SIGHUP: stopping")
      }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)),
    120_000
  )

  it.live(
    "believes the authorities of this machine about a source, and no other",
    () =>
      Effect.gen(function*() {
        const files = yield* FileSystem.FileSystem
        const folder = yield* files.makeTempDirectoryScoped({ prefix: "serviceradar-sync-" })
        const { issue, root } = authority("Root of a company")
        const page = {
          count: 1,
          next: null,
          results: [{ id: 1, name: "one", primary_ip4: { address: "192.0.2.1/24" } }]
        }
        const port = yield* Program.freePort
        yield* Effect.acquireRelease(
          Effect.callback<https.Server>((resume) => {
            const server = https.createServer(issue(), (_, response) => response.end(JSON.stringify(page)))
            server.listen(port, "127.0.0.1", () => resume(Effect.succeed(server)))
          }),
          (server) => Effect.sync(() => server.close())
        )
        const [file, rootFile] = [`${folder}/sync.json`, `${folder}/root.pem`]
        yield* files.writeFileString(rootFile, root)
        yield* files.writeFileString(
          file,
          JSON.stringify({
            listen_addr: "127.0.0.1:0",
            spool_dir: `${folder}/spool`,
            sources: { netbox: rig.netbox(`https://127.0.0.1:${port}`) }
          })
        )
        const run = (env: Readonly<Record<string, string>>) =>
          Effect.gen(function*() {
            const program = yield* Program.start(["sync", "run", "--once", "--json", "--config", file], { env })
            return [yield* program.exited, program.output()] as const
          })

        const [refused, why] = yield* run({})
        const [taken, output] = yield* run({ SSL_CERT_FILE: rootFile })

        assert.strictEqual(refused, 1)
        assert.match(why, /"reason":"connection","detail":"[^"]*certificate/)
        assert.strictEqual(taken, 0, output)
        assert.include(output, "\"outcome\":\"committed\",\"devices\":1")
      }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)),
    120_000
  )

  it.live(
    "says what is wrong with a file, that another service has the spool, and that the spool is gone",
    () =>
      Effect.gen(function*() {
        const files = yield* FileSystem.FileSystem
        const { file, spool, start, status } = yield* world
        const bad = yield* files.makeTempFileScoped()
        yield* files.writeFileString(
          bad,
          JSON.stringify({ listen_addr: ":1", sources: { a: { type: "armis", endpoint: "host" } } })
        )
        const refused = yield* Program.start(["sync", "--config", bad])
        assert.strictEqual(yield* refused.exited, 2)
        assert.include(refused.output(), "sources.a.endpoint")
        const first = yield* start
        yield* until("it serves", first, status, (one) => one.devices > 0)

        const second = yield* Program.start(["sync", "--config", file, "--http", "off"])

        assert.strictEqual(yield* second.exited, 2)
        assert.include(second.output(), "another sync service uses this folder")

        // It must not go on saying that it is well. Whatever it writes meanwhile is removed with the next attempt.
        yield* Effect.retry(files.remove(spool, { recursive: true }), { times: 20 })
        assert.strictEqual(yield* Effect.timeout(first.exited, "30 seconds"), 2)
        assert.include(first.output(), `The spool was taken away: Spool ${spool}/catalog.sqlite`)
      }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)),
    120_000
  )
})
