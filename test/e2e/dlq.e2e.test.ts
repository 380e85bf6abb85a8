/** `serviceradar dlq` as a user calls it, against the dead letters of a real NATS. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Redacted, Schema } from "effect"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import type { StreamName } from "../../src/domain/events/stream/Streams.ts"
import * as JetStreamDeadLetters from "../../src/layers/events/dead-letters/JetStreamDeadLetters.ts"
import { NatsConnection } from "../../src/layers/nats/connection/NatsConnection.ts"
import * as EmbeddedNats from "../../src/layers/nats/server/EmbeddedNats.ts"
import * as NatsServerBinary from "../../src/layers/nats/server/NatsServerBinary.ts"
import * as RunState from "../../src/layers/process/RunState.ts"
import { DeadLetters } from "../../src/services/events/DeadLetters.ts"
import * as natsClient from "../support/natsClient.ts"
import * as natsServer from "../support/natsServer.ts"
import * as Program from "../support/Program.ts"
import { secured } from "../support/secured.ts"
import { temporaryFolder } from "../support/temporaryFolder.ts"

const storedAtMicros = 1_700_000_000_000_000

const letter = (stream: StreamName, subject: string, sequence: number, data: Uint8Array) => ({
  stream,
  message: { subject, data, headers: new Map([["x-tenant-id", "acme"]]), stream, sequence, storedAtMicros },
  deliveries: 1,
  failure: {
    reason: sequence % 2 === 0 ? "rejected" : "decode",
    error: `wrong in ${sequence}`,
    place: "value"
  } as const
})

const idOf = (stream: StreamName, sequence: number): string => `${stream}.${stream}.${sequence}.${storedAtMicros}`

const telemetry = (sequence: number) =>
  letter("TELEMETRY", "telemetry.snmp", sequence, Buffer.from(`{"n":${sequence}}`))

const layer = (url: string) => JetStreamDeadLetters.layer().pipe(Layer.provideMerge(natsClient.layer(url)))

const withLetters = (url: string, letters: ReadonlyArray<ReturnType<typeof letter>>) =>
  Effect.gen(function*() {
    const { jsm } = yield* Effect.flatMap(NatsConnection, natsClient.ready)
    yield* Effect.promise(() => jsm.streams.add({ name: "TELEMETRY", subjects: ["telemetry.>"] }))
    yield* DeadLetters.use((service) => Effect.forEach(letters, service.add))
  }).pipe(Effect.provide(layer(url)))

/** What came back into the stream. */
const replayed = (url: string) =>
  Effect.gen(function*() {
    const { jsm } = yield* Effect.flatMap(NatsConnection, natsClient.ready)
    const { state } = yield* Effect.promise(() => jsm.streams.info("TELEMETRY"))
    const first = yield* Effect.promise(() => jsm.streams.getMessage("TELEMETRY", { seq: 1 }))
    return [state.messages, first?.subject, first?.string(), first?.header.get("x-tenant-id")]
  }).pipe(Effect.provide(layer(url)))

/** A server with three dead letters of telemetry and a binary one of flows. */
const prepared = Effect.gen(function*() {
  const { url } = yield* natsServer.start()
  const flow = letter("NETFLOW", "flows.raw.netflow", 4, Buffer.from([0xff, 0x00, 0x01]))
  yield* withLetters(url, [telemetry(1), telemetry(2), telemetry(3), flow])
  return url
})

const dlq = (args: ReadonlyArray<string>, options: Parameters<typeof Program.start>[1] = {}) =>
  Effect.gen(function*() {
    const program = yield* Program.start(["dlq", ...args], options)
    const code = yield* program.exited
    const stdout = program.stdout()
    return { code, stdout, stderr: program.output().replace(stdout, "") }
  })

const on = (url: string) => (...args: ReadonlyArray<string>) => dlq([...args, "--server", url])

const Line = Schema.fromJsonString(Schema.Record(Schema.String, Schema.Unknown))
const lines = (stdout: string) =>
  Effect.forEach(stdout.trimEnd().split("\n"), (line) => Schema.decodeEffect(Line)(line))

const idsIn = (url: string, ...filters: ReadonlyArray<string>) =>
  Effect.gen(function*() {
    const { stdout } = yield* on(url)("list", "--json", ...filters)
    return stdout === "" ? [] : (yield* lines(stdout)).map(({ id }) => id)
  })

describe("serviceradar dlq", () => {
  it.live("lists what is there, as a table or as JSON, with filters", () =>
    Effect.gen(function*() {
      const url = yield* prepared
      const run = on(url)

      const table = yield* run("list")
      const limited = yield* run("list", "--limit", "2")
      const [first] = yield* lines((yield* run("list", "--json", "--stream", "netflow")).stdout)

      assert.strictEqual(table.code, 0)
      assert.match(table.stdout, /^ID +AGE {2}REASON +SUBJECT +PLACE {2}ERROR\n/)
      assert.include(table.stdout, idOf("TELEMETRY", 1))
      assert.strictEqual(table.stdout.trimEnd().split("\n").length, 5)
      assert.include(table.stderr, "4 dead letters")
      assert.strictEqual(limited.stdout.trimEnd().split("\n").length, 3)
      assert.include(limited.stderr, "the oldest 2 of 4: --limit N shows more")
      assert.deepInclude(first, { id: idOf("NETFLOW", 4), subject: "flows.raw.netflow", reason: "rejected", bytes: 3 })
      assert.deepStrictEqual(yield* idsIn(url, "--reason", "decode", "--since", "1h"), [
        idOf("TELEMETRY", 1),
        idOf("TELEMETRY", 3)
      ])
      assert.deepStrictEqual(yield* idsIn(url, "--error", "in 2"), [idOf("TELEMETRY", 2)])
      assert.deepStrictEqual(yield* idsIn(url, "--since", "2999-01-01"), [])
    }).pipe(Effect.scoped))

  it.live("says nothing on stderr when its reader has seen enough (dlq list --json | head -1)", () =>
    Effect.gen(function*() {
      const url = yield* natsServer.start().pipe(Effect.map((server) => server.url))
      // More than a pipe holds, so that it is written to when nobody reads any more.
      yield* withLetters(url, Array.from({ length: 400 }, (_, index) => telemetry(index + 1)))

      const { code, stderr, stdout } = yield* dlq(["list", "--json", "--limit", "400", "--server", url], {
        within: `"$@" | head -1; exit`
      })

      assert.strictEqual(code, 0)
      assert.lengthOf(yield* lines(stdout), 1)
      assert.strictEqual(stderr, "")
    }).pipe(Effect.scoped))

  it.live("shows one: headers, why, and the payload as JSON, hex or the exact bytes", () =>
    Effect.gen(function*() {
      const url = yield* prepared
      const run = on(url)

      const json = yield* run("show", idOf("TELEMETRY", 1))
      const binary = yield* run("show", idOf("NETFLOW", 4))
      const raw = yield* run("show", idOf("TELEMETRY", 1), "--raw")
      const missing = yield* run("show", idOf("TELEMETRY", 99))

      assert.include(json.stdout, "error     wrong in 1\n")
      assert.include(json.stdout, "  x-tenant-id  acme\n")
      assert.include(json.stdout, "payload, 7 bytes, JSON\n{\n  \"n\": 1\n}\n")
      assert.include(binary.stdout, "00000000  ff 00 01")
      assert.deepStrictEqual([raw.code, raw.stdout], [0, "{\"n\":1}"])
      assert.deepStrictEqual([missing.code, missing.stdout], [1, ""])
      assert.include(missing.stderr, `There is no dead letter ${idOf("TELEMETRY", 99)}`)
    }).pipe(Effect.scoped))

  it.live("replays on the original subject and says what it could not", () =>
    Effect.gen(function*() {
      const url = yield* prepared
      const run = on(url)

      const one = yield* run("replay", idOf("TELEMETRY", 1), "--yes")
      const all = yield* run("replay", "--all", "--stream", "TELEMETRY", "--yes", "--json")
      const some = yield* run("replay", "--all", "--yes")
      const none = yield* run("replay", "--all", "--reason", "decode", "--yes")

      assert.deepStrictEqual([one.code, one.stderr], [0, "Replayed 1 dead letter\n"])
      assert.strictEqual(all.code, 0)
      assert.deepStrictEqual((yield* lines(all.stdout)).map(({ done, id }) => [id, done]).toSorted(), [
        [idOf("TELEMETRY", 2), true],
        [idOf("TELEMETRY", 3), true]
      ])
      // No stream takes flows here.
      assert.strictEqual(some.code, 1)
      assert.include(some.stderr, "Replayed 0 of 1 dead letter\n")
      assert.include(some.stderr, idOf("NETFLOW", 4))
      assert.deepStrictEqual([none.code, none.stderr], [1, "No dead letter matches\n"])
      assert.deepStrictEqual(yield* replayed(url), [3, "telemetry.snmp", "{\"n\":1}", "acme"])
      assert.deepStrictEqual(yield* idsIn(url), [idOf("NETFLOW", 4)])
    }).pipe(Effect.scoped))

  it.live("drops nothing without a yes, and what it is told with one", () =>
    Effect.gen(function*() {
      const url = yield* prepared
      const run = on(url)

      const unasked = yield* run("drop", "--all")
      const vague = yield* run("drop", "--reason", "decode", "--yes")
      const both = yield* run("drop", idOf("TELEMETRY", 1), "--all", "--yes")
      const kept = yield* idsIn(url)
      const dropped = yield* run("drop", idOf("TELEMETRY", 1), idOf("TELEMETRY", 99), "--yes")
      const rest = yield* run("drop", "--all", "--limit", "2", "--yes")

      assert.deepStrictEqual([unasked.code, vague.code, both.code], [2, 2, 2])
      assert.include(unasked.stderr, "Drop 4 dead letters? There is no terminal to ask on: say --yes")
      assert.include(vague.stderr, "Say --all to take all that match the filters")
      assert.strictEqual(kept.length, 4)
      assert.strictEqual(dropped.code, 1)
      assert.include(dropped.stderr, "Dropped 1 of 2 dead letters\n")
      assert.include(dropped.stderr, `${idOf("TELEMETRY", 99)}: there is no such dead letter`)
      assert.deepStrictEqual([rest.code, rest.stderr], [0, "Dropped 2 dead letters\n"])
      assert.deepStrictEqual(yield* idsIn(url), [idOf("NETFLOW", 4)])
    }).pipe(Effect.scoped))

  it.live("finds the server of the running up, and says what it tried when there is none", () =>
    Effect.gen(function*() {
      const folder = yield* temporaryFolder
      const directory = path.join(folder, ".serviceradar")
      yield* Effect.promise(() => fs.mkdir(directory, { mode: 0o700 }))
      const binary = yield* NatsServerBinary.find({
        named: process.env["NATS_SERVER_BIN"],
        searchPath: process.env["PATH"]
      })
      const server = yield* EmbeddedNats.start({ home: path.join(directory, "nats"), binary, port: 0 })
      yield* withLetters(Redacted.value(server.url), [telemetry(5)])
      const ports = { coreGrpc: 1, coreHttp: 1, agentGrpc: 1, pollerGrpc: 1 }
      yield* RunState.publish(directory, { pid: process.pid, httpUrl: "http://127.0.0.1:1", ports })
      const environment = { cwd: folder, env: { NATS_URL: "", EVENT_WRITER_NATS_URL: "" } }

      const found = yield* dlq(["list", "--json"], environment)
      const refused = yield* dlq(["list", "--server", "nats://127.0.0.1:1"], environment)

      assert.deepStrictEqual((yield* lines(found.stdout)).map(({ id }) => id), [idOf("TELEMETRY", 5)])
      assert.strictEqual(refused.code, 2)
      assert.include(refused.stderr, "NATS at 127.0.0.1:1: ")
    }).pipe(Effect.scoped, Effect.provide(secured)))
})
