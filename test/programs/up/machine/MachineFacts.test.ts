import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, FileSystem } from "effect"
import * as TestClock from "effect/testing/TestClock"
import * as MachineFacts from "../../../../src/programs/up/machine/MachineFacts.ts"

const zeros = (count: number) => Array.from({ length: count }, () => "0").join(" ")

/** A `/proc` of a machine up for 1000 s that runs nginx on port 80 and has a gateway. */
const procRoot = Effect.gen(function*() {
  const files = yield* FileSystem.FileSystem
  const root = yield* files.makeTempDirectoryScoped()
  const write = (name: string, text: string) => files.writeFileString(`${root}/${name}`, text)
  yield* files.makeDirectory(`${root}/net`)
  yield* files.makeDirectory(`${root}/80`)
  yield* write("net/tcp", `header\n 0: 00000000:0050 00000000:0000 0A x\n 1: 0100007F:1F9A 00000000:0000 0A x\n`)
  yield* write("net/route", "header\neth0 00000000 0101A8C0 0003 0 0 0 00000000 0 0 0\n")
  yield* write("uptime", "1000.00 900.00\n")
  yield* write("80/stat", `80 (nginx) S 1 ${zeros(17)} 500 0 0`)
  return root
})

/** `meanwhile` happens while it waits for ports to go. */
const discover = Effect.fnUntraced(function*(
  root: string,
  answersPing: (address: string) => boolean,
  meanwhile: Effect.Effect<void> = Effect.void
) {
  const found = yield* Effect.forkChild(
    MachineFacts.discover({
      procRoot: root,
      answersPing: (address) => Effect.succeed(answersPing(address)),
      excludePorts: new Set([8090]),
      ownPid: 1234
    }),
    { startImmediately: true }
  )
  yield* meanwhile
  // Files are read on the machine's clock, so the wait may begin a little later.
  const clock = yield* Effect.forkChild(Effect.forever(Effect.andThen(TestClock.adjust("1 second"), soon)))
  return yield* Effect.ensuring(Fiber.join(found), Fiber.interrupt(clock))
})

const soon = TestClock.withLive(Effect.sleep("5 millis"))

describe("MachineFacts", () => {
  it.layer(NodeFileSystem.layer)((it) => {
    it.effect("finds ports, processes and what answers to a ping", () =>
      Effect.gen(function*() {
        const facts = yield* discover(yield* procRoot, () => true)

        assert.deepStrictEqual(facts, {
          ports: [{ port: 80, host: "127.0.0.1", name: "http" }],
          processes: ["nginx"],
          pingable: [{ name: "loopback", address: "127.0.0.1" }, { name: "gateway", address: "192.168.1.1" }]
        })
      }))

    it.effect("leaves out a port that is closed again at once", () =>
      Effect.gen(function*() {
        const files = yield* FileSystem.FileSystem
        const root = yield* procRoot
        const asked = yield* Deferred.make<void>()
        const closing = Effect.andThen(
          Deferred.await(asked),
          Effect.orDie(files.writeFileString(`${root}/net/tcp`, "header\n"))
        )
        const answersPing = () => {
          Deferred.doneUnsafe(asked, Exit.void)
          return true
        }

        assert.deepStrictEqual((yield* discover(root, answersPing, closing)).ports, [])
      }))

    it.effect("leaves out a gateway that does not answer", () =>
      Effect.gen(function*() {
        const { pingable } = yield* discover(yield* procRoot, (address) => address === "127.0.0.1")

        assert.deepStrictEqual(pingable, [{ name: "loopback", address: "127.0.0.1" }])
      }))

    it.effect("finds nothing where there is no /proc", () =>
      Effect.gen(function*() {
        const facts = yield* discover("/nowhere", () => false)

        assert.deepStrictEqual(facts, { ports: [], processes: [], pingable: [] })
      }))
  })
})
