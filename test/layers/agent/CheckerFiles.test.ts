import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import { Effect, FileSystem, Layer, Logger } from "effect"
import * as AgentConfig from "../../../src/domain/agent/AgentConfig.ts"
import * as CheckerFiles from "../../../src/layers/agent/CheckerFiles.ts"

const folder = (files: Readonly<Record<string, string>>) =>
  Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    const directory = yield* fs.makeTempDirectoryScoped({ prefix: "serviceradar-checkers-" })
    for (const [name, text] of Object.entries(files)) yield* fs.writeFileString(`${directory}/${name}`, text)
    return directory
  })

const lines: Array<string> = []
const captured = Logger.layer([Logger.make(({ message }) => void lines.push(String(message)))])

const load = (checkersDir: string) => CheckerFiles.loadInto(AgentConfig.fromFile({ checkers_dir: checkersDir }))

describe("CheckerFiles", () => {
  it.live("reads every JSON file of the folder, and leaves out those that cannot be used with a line about each", () =>
    Effect.gen(function*() {
      lines.length = 0
      const directory = yield* folder({
        "b.json": JSON.stringify({ name: "sysmon", type: "grpc", listen_addr: "127.0.0.1:50083" }),
        "a.json": JSON.stringify({ name: "rperf-checker", type: "grpc", address: "192.0.2.1:50081", targets: [] }),
        "nameless.json": JSON.stringify({ type: "grpc" }),
        "broken.json": "{",
        "wrong.json": JSON.stringify({ name: 5, type: "grpc" }),
        "program.json": JSON.stringify({ name: "disk", type: "exec", details: { program: "check_disk" } }),
        "notes.txt": "not read"
      })

      const { checkers } = yield* load(directory)

      assert.deepStrictEqual(checkers, [
        { name: "rperf-checker", type: "grpc", details: undefined, address: "192.0.2.1:50081", security: undefined },
        { name: "sysmon", type: "grpc", details: undefined, address: "127.0.0.1:50083", security: undefined }
      ])
      for (const name of ["nameless.json", "broken.json", "wrong.json", "program.json"]) {
        assert.isTrue(lines.some((line) => line.includes(name)), `${name} in ${lines.join("\n")}`)
      }
      assert.isFalse(lines.some((line) => line.includes("notes.txt")))
    }).pipe(Effect.scoped, Effect.provide(Layer.merge(NodeServices.layer, captured))))

  it.live("takes the later of two files for one checker, and says so", () =>
    Effect.gen(function*() {
      lines.length = 0
      const directory = yield* folder({
        "a.json": JSON.stringify({ name: "disk", type: "grpc", address: "192.0.2.1:1" }),
        "b.json": JSON.stringify({ name: "disk", type: "grpc", address: "192.0.2.2:1" }),
        "c.json": JSON.stringify({ name: "disk", type: "exec-like", address: "192.0.2.3:1" })
      })

      const { checkers } = yield* load(directory)

      assert.deepStrictEqual(checkers.map(({ address }) => address), ["192.0.2.2:1", "192.0.2.3:1"])
      assert.deepStrictEqual(lines, [
        "c.json: this agent has no checks of type \"exec-like\"",
        "b.json: grpc checker disk is in a.json too, which is ignored"
      ])
    }).pipe(Effect.scoped, Effect.provide(Layer.merge(NodeServices.layer, captured))))

  it.live("says so of a type that no probe and no plugin answers", () =>
    Effect.gen(function*() {
      const directory = yield* folder({
        "a.json": JSON.stringify({ name: "g", type: "nonsense" }),
        "b.json": JSON.stringify({ name: "n", type: "sweep" })
      })
      const told = (plugins: object) =>
        Effect.suspend(() => {
          lines.length = 0
          const config = AgentConfig.fromFile({ checkers_dir: directory, ...plugins })
          return Effect.map(
            CheckerFiles.loadInto(config),
            ({ checkers }) => ({ count: checkers.length, lines: [...lines] })
          )
        })

      assert.deepStrictEqual(yield* told({}), {
        count: 2,
        lines: ["a.json: this agent has no checks of type \"nonsense\""]
      })
      assert.deepStrictEqual(yield* told({ plugins: { dir: directory } }), { count: 2, lines: [] })
    }).pipe(Effect.scoped, Effect.provide(Layer.merge(NodeServices.layer, captured))))

  it.live("keeps a checker whose file cannot be used for a while, and forgets it with its file", () =>
    Effect.gen(function*() {
      lines.length = 0
      const fs = yield* FileSystem.FileSystem
      const directory = yield* folder({
        "a.json": JSON.stringify({ name: "disk", type: "exec", details: { program: "/bin/true" } }),
        "b.json": JSON.stringify({ name: "ping", type: "grpc", address: "192.0.2.1:1" })
      })
      const config = AgentConfig.fromFile({ checkers_dir: directory })
      const lastGood: CheckerFiles.LastGood = new Map()
      const namesNow = Effect.map(
        CheckerFiles.loadInto(config, undefined, lastGood),
        ({ checkers }) => checkers.map(({ name }) => name)
      )

      const first = yield* namesNow
      yield* fs.writeFileString(`${directory}/a.json`, "{\"name\": \"di")
      yield* fs.writeFileString(`${directory}/b.json`, "")
      const broken = yield* namesNow
      yield* fs.writeFileString(`${directory}/a.json`, JSON.stringify({ name: "disk", type: "exec", details: {} }))
      const wrong = yield* namesNow
      const unusable = [...lastGood].filter(([, { isUnusable }]) => isUnusable).map(([name]) => name)
      yield* fs.writeFileString(
        `${directory}/a.json`,
        JSON.stringify({ name: "load", type: "exec", details: { program: "/b" } })
      )
      yield* fs.remove(`${directory}/b.json`)
      const mended = yield* namesNow

      assert.deepStrictEqual([first, broken, wrong, mended], [["disk", "ping"], ["disk", "ping"], ["disk", "ping"], [
        "load"
      ]])
      assert.deepStrictEqual(unusable, ["a.json", "b.json"])
      assert.isFalse([...lastGood.values()].some(({ isUnusable }) => isUnusable))
      assert.isTrue(lines.some((line) => line.includes("a.json") && line.endsWith("what the file said before stays")))
    }).pipe(Effect.scoped, Effect.provide(Layer.merge(NodeServices.layer, captured))))

  it.live("reads only what has changed since the last time, in a file or in what lies over it", () =>
    Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const text = (port: number) => JSON.stringify({ name: "disk", type: "grpc", address: `127.0.0.1:${port}` })
      const directory = yield* folder({ "a.json": text(1), "b.json": JSON.stringify({ name: "ping", type: "grpc" }) })
      const config = AgentConfig.fromFile({ checkers_dir: directory })
      const lastGood: CheckerFiles.LastGood = new Map()
      const checkersNow = (over?: string) =>
        Effect.map(
          CheckerFiles.loadInto(
            config,
            (file) => over === undefined || file !== "a.json" ? [] : [{ name: "over", text: over }],
            lastGood
          ),
          ({ checkers }) => checkers
        )

      const first = yield* checkersNow()
      const again = yield* checkersNow()
      yield* fs.writeFileString(`${directory}/a.json`, text(2))
      const other = yield* checkersNow()
      const covered = yield* checkersNow("{\"address\": \"127.0.0.1:3\"}")
      const uncovered = yield* checkersNow()

      for (const [at, one] of again.entries()) assert.strictEqual(one, first[at])
      assert.strictEqual(other[1], first[1])
      assert.deepStrictEqual(
        [first, other, covered, uncovered].map(([disk]) => disk?.address),
        [1, 2, 3, 2].map((port) => `127.0.0.1:${port}`)
      )
    }).pipe(Effect.scoped, Effect.provide(Layer.merge(NodeServices.layer, captured))))

  it.live("fails when the folder cannot be read, and needs none", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(load("/no/such/folder"))

      assert.strictEqual(error.message, "checkers_dir /no/such/folder cannot be read: there is no such file (ENOENT)")
      assert.deepStrictEqual((yield* load("")).checkers, [])
    }).pipe(Effect.provide(NodeServices.layer)))
})
