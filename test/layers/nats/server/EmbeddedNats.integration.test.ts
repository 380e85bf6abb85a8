import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { assert, describe, it } from "@effect/vitest"
import { AckPolicy, jetstream, jetstreamManager } from "@nats-io/jetstream"
import { connect, type TlsOptions } from "@nats-io/transport-node"
import { Effect, Exit, FileSystem, Redacted, Ref, References, Schedule } from "effect"
import * as childProcess from "node:child_process"
import * as net from "node:net"
import * as path from "node:path"
import { fileURLToPath } from "node:url"
import { inject } from "vitest"
import * as EmbeddedNats from "../../../../src/layers/nats/server/EmbeddedNats.ts"
import * as NatsServerBinary from "../../../../src/layers/nats/server/NatsServerBinary.ts"
import * as ProcessTable from "../../../../src/layers/process/ProcessTable.ts"
import { Credentials } from "../../../../src/services/security/Credentials.ts"
import { authority, filesIn, write } from "../../../support/authority.ts"
import * as NatsServer from "../../../support/natsServer.ts"
import { secured } from "../../../support/secured.ts"
import { temporaryFolder } from "../../../support/temporaryFolder.ts"
import { knock, protocols } from "../../../support/tlsDoors.ts"

const start = (home: string, options: Partial<EmbeddedNats.EmbeddedNatsOptions> = {}) =>
  NatsServer.programPath.pipe(
    Effect.flatMap((named) => NatsServerBinary.find({ named, searchPath: undefined })),
    Effect.flatMap((binary) => EmbeddedNats.start({ home, binary, port: 0, ...options }))
  )

const connected = (server: EmbeddedNats.EmbeddedNats) =>
  Effect.acquireRelease(
    Effect.promise(() => {
      const url = new URL(Redacted.value(server.url))
      return connect({ servers: url.host, user: url.username, pass: url.password, reconnect: false })
    }),
    (connection) => Effect.promise(() => connection.close())
  )

const addStream = (server: EmbeddedNats.EmbeddedNats) =>
  connected(server).pipe(
    Effect.flatMap((connection) =>
      Effect.promise(async () => {
        const manager = await jetstreamManager(connection)
        await manager.streams.add({ name: "KEPT", subjects: ["kept.>"] })
        await manager.consumers.add("KEPT", {
          durable_name: "reader",
          ack_policy: AckPolicy.Explicit,
          max_ack_pending: 5_000
        })
      })
    ),
    Effect.scoped
  )

const publish = (server: EmbeddedNats.EmbeddedNats, count: number) =>
  connected(server).pipe(
    Effect.flatMap((connection) =>
      Effect.promise(() => {
        const stream = jetstream(connection)
        return Promise.all(Array.from({ length: count }, (_, index) => stream.publish("kept.message", `${index}`)))
      })
    ),
    Effect.scoped
  )

/** What the durable consumer gets, in order. */
const consume = (server: EmbeddedNats.EmbeddedNats, count: number) =>
  connected(server).pipe(
    Effect.flatMap((connection) =>
      Effect.promise(async () => {
        const consumer = await jetstream(connection).consumers.get("KEPT", "reader")
        const texts: Array<string> = []
        for await (const message of await consumer.fetch({ max_messages: count, expires: 5_000 })) {
          texts.push(message.string())
        }
        return texts
      })
    ),
    Effect.scoped
  )

const numbers = (count: number) => Array.from({ length: count }, (_, index) => `${index}`)

/** Ends the server so that nothing of it can clean up; it is gone when this returns. */
const killHard = Effect.fnUntraced(function*(server: EmbeddedNats.EmbeddedNats) {
  yield* Effect.sync(() => process.kill(server.pid, "SIGKILL"))
  return yield* Effect.flip(server.run)
})

const listening = Effect.acquireRelease(
  Effect.callback<{ readonly server: net.Server; readonly port: number }>((resume) => {
    const server = net.createServer()
    server.listen({ host: "127.0.0.1", port: 0 }, () => {
      const address = server.address()
      resume(Effect.succeed({ server, port: typeof address === "object" && address !== null ? address.port : 0 }))
    })
  }),
  ({ server }) => Effect.callback<void>((resume) => void server.close(() => resume(Effect.void)))
)

describe("EmbeddedNats", () => {
  it.live("lets in nobody without a certificate, and shows a renewed one without a restart", () =>
    Effect.gen(function*() {
      const folder = yield* temporaryFolder
      const [ca, stranger] = [authority(), authority("Another root")]
      const install = Effect.promise(() =>
        write(folder, "nats", ca.issue({ commonName: "nats.serviceradar" }), ca.root)
      )
      yield* install
      const credentials = yield* Credentials
      yield* Effect.forkScoped(credentials.keep)
      const files = filesIn(folder, "nats")
      const source = yield* credentials.open({ _tag: "Files", files, isSvid: false, isRooted: true })
      const server = yield* start(path.join(folder, "home"), {
        certificates: { files, source },
        watchEvery: "200 millis"
      })
      const running = yield* Effect.forkScoped(server.run)
      const own = ca.issue({ commonName: "core.serviceradar" })
      const entering = (how: { readonly tls?: TlsOptions }) =>
        Effect.acquireRelease(
          Effect.tryPromise(() => {
            const { password, username } = new URL(Redacted.value(server.url))
            return connect({
              servers: `127.0.0.1:${server.port}`,
              user: username,
              pass: password,
              reconnect: false,
              ...how
            })
          }),
          (connection) => Effect.promise(() => connection.close())
        ).pipe(Effect.andThen((connection) => Effect.promise(() => connection.flush())), Effect.scoped, Effect.exit)
      const door = { name: "NATS", port: server.port, protocol: { ...protocols.nats, taken: /PONG|-ERR/ } }

      const exits = [
        yield* entering({ tls: { ...own, ca: ca.root } }),
        yield* entering({}),
        yield* entering({ tls: { ca: ca.root } }),
        yield* entering({ tls: { ...stranger.issue(), ca: ca.root } })
      ]
      const first = yield* knock(door, own)
      yield* install
      const second = yield* Effect.repeat(knock(door, own), {
        schedule: Schedule.spaced("100 millis"),
        until: ({ serial }) => serial !== first.serial
      }).pipe(Effect.timeout("10 seconds"))
      // Long enough for the watchdog to give up a server that does not answer it.
      yield* Effect.sleep("1 second")

      assert.deepStrictEqual(exits.map(Exit.isSuccess), [true, false, false, false])
      assert.deepStrictEqual([first.outcome, second.outcome], ["let in", "let in"])
      assert.isUndefined(running.pollUnsafe())
    }).pipe(Effect.provide(secured), Effect.provideService(References.MinimumLogLevel, "None")))

  it.live("keeps streams, password and port for the next start, and tells what it is busy with", () =>
    Effect.gen(function*() {
      const home = path.join(yield* temporaryFolder, "nats")
      const seen = yield* Ref.make<ReadonlyArray<string>>([])
      const onProgress = (progress: string) => Ref.update(seen, (all) => [...all, progress])

      const first = yield* Effect.scoped(Effect.gen(function*() {
        const server = yield* start(home, { onProgress })
        yield* addStream(server)
        yield* publish(server, 3)
        return server
      }))
      const second = yield* start(home, { onProgress, port: first.port })

      assert.deepStrictEqual(yield* consume(second, 3), numbers(3))
      assert.strictEqual(Redacted.value(second.url), Redacted.value(first.url))
      assert.deepStrictEqual(yield* Ref.get(seen), ["preparing", "starting", "ready", "preparing", "starting", "ready"])
    }).pipe(Effect.provide(NodeFileSystem.layer)))

  it.live("fails its life with signal and log when the server is killed, and has all acknowledged messages again", () =>
    Effect.gen(function*() {
      const home = path.join(yield* temporaryFolder, "nats")
      const exited = yield* Effect.scoped(Effect.gen(function*() {
        const server = yield* start(home)
        yield* addStream(server)
        yield* publish(server, 2_000)
        return yield* killHard(server)
      }))

      assert.strictEqual(exited.signal, "SIGKILL")
      assert.isTrue(exited.lastLogLines.some((line) => line.includes("Server is ready")))
      assert.deepStrictEqual(yield* consume(yield* start(home), 2_000), numbers(2_000))
    }).pipe(Effect.provide(NodeFileSystem.layer)))

  it.live("lets nobody in without the password", () =>
    Effect.gen(function*() {
      const server = yield* start(path.join(yield* temporaryFolder, "nats"))

      const refused = yield* Effect.flip(
        Effect.tryPromise({
          try: () => connect({ servers: `127.0.0.1:${server.port}`, reconnect: false }),
          catch: (cause) => String(cause)
        })
      )

      assert.include(refused.toLowerCase(), "authorization")
    }).pipe(Effect.provide(NodeFileSystem.layer)))

  it.live("moves on from a port that is taken", () =>
    Effect.gen(function*() {
      const home = path.join(yield* temporaryFolder, "nats")
      const { port } = yield* listening

      const server = yield* start(home, { port })

      assert.notStrictEqual(server.port, port)
      yield* addStream(server)
    }).pipe(Effect.provide(NodeFileSystem.layer)))

  it.live("refuses a folder that a living program is using", () =>
    Effect.gen(function*() {
      const home = path.join(yield* temporaryFolder, "nats")
      yield* start(home)

      const error = yield* Effect.flip(Effect.scoped(start(home)))

      assert.strictEqual(error._tag, "NatsInUse")
      assert.include(error.message, `in use by process ${process.pid}`)
    }).pipe(Effect.provide(NodeFileSystem.layer)))

  it.live("starts beside a process file whose id now belongs to somebody else", () =>
    Effect.gen(function*() {
      const fileSystem = yield* FileSystem.FileSystem
      const home = path.join(yield* temporaryFolder, "nats")
      yield* Effect.scoped(start(home))
      yield* fileSystem.writeFileString(path.join(home, "nats-server.pid"), `${process.pid}\n`)

      yield* addStream(yield* start(home))
    }).pipe(Effect.provide(NodeFileSystem.layer)))

  it.live("stops the server that a killed program left behind, and takes over its streams", () =>
    Effect.gen(function*() {
      const home = path.join(yield* temporaryFolder, "nats")
      yield* Effect.scoped(
        Effect.flatMap(start(home), (server) => Effect.andThen(addStream(server), publish(server, 5)))
      )
      const orphan = yield* abandonedServer(home)

      const server = yield* start(home)

      assert.isFalse(yield* ProcessTable.isRunning(orphan))
      assert.deepStrictEqual(yield* consume(server, 5), numbers(5))
    }).pipe(Effect.provide(NodeFileSystem.layer)))

  it.live("says what the server said when it does not start", () =>
    Effect.gen(function*() {
      const fileSystem = yield* FileSystem.FileSystem
      const home = path.join(yield* temporaryFolder, "nats")
      yield* fileSystem.makeDirectory(home, { mode: 0o700 })
      yield* fileSystem.writeFileString(path.join(home, "store"), "a file where the streams should be")

      const error = yield* Effect.flip(Effect.scoped(start(home)))

      assert.strictEqual(error._tag, "NatsExited")
      assert.include(error.message, "storage directory")
    }).pipe(Effect.provide(NodeFileSystem.layer)))
})

/** The process id of a server whose parent, a separate program, was killed once it ran. */
const abandonedServer = (home: string) =>
  Effect.acquireRelease(
    Effect.sync(() =>
      childProcess.spawn(process.execPath, [
        fileURLToPath(new URL("../../../fixtures/natsParent.ts", import.meta.url)),
        home,
        inject("natsServerPath")
      ], { stdio: ["ignore", "pipe", "inherit"] })
    ),
    (parent) => Effect.sync(() => parent.kill("SIGKILL"))
  ).pipe(
    Effect.flatMap((parent) =>
      Effect.callback<number>((resume) => {
        parent.stdout.once("data", (chunk: Buffer) => {
          parent.once("exit", () => resume(Effect.succeed(Number(chunk.toString()))))
          parent.kill("SIGKILL")
        })
      })
    ),
    Effect.scoped
  )
