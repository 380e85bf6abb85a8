import { assert, describe, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import * as FileWatch from "../../../src/layers/files/FileWatch.ts"
import { temporaryFolder } from "../../support/temporaryFolder.ts"

const until = (what: string, isTrue: () => boolean) =>
  Effect.delay(Effect.sync(isTrue), "20 millis").pipe(
    Effect.repeat({ until: (value) => value }),
    Effect.timeoutOrElse({ duration: "15 seconds", orElse: () => Effect.die(new Error(`not within 15 s: ${what}`)) })
  )

describe("FileWatch", () => {
  it.live("tells of what has changed since the file was looked at", () =>
    Effect.gen(function*() {
      const file = path.join(yield* temporaryFolder, "file")
      yield* Effect.promise(() => fs.writeFile(file, "1"))
      const since = yield* FileWatch.stampOf(file)
      yield* Effect.promise(() => fs.writeFile(file, "2 and more"))

      const seen = yield* FileWatch.changes(file, since).pipe(Stream.take(1), Stream.runCollect)
      assert.strictEqual(seen.length, 1)
    }).pipe(Effect.scoped), 20_000)

  it.live(
    "tells of a file that is written over, replaced, reached by another link, or gone, each once",
    () =>
      Effect.gen(function*() {
        const folder = yield* temporaryFolder
        const at = (name: string) => path.join(folder, name)
        const run = (work: () => Promise<unknown>) => Effect.promise(work)
        yield* run(async () => {
          await fs.writeFile(at("one"), "1")
          await fs.writeFile(at("two"), "2")
          await fs.symlink(at("one"), at("file"))
        })
        let seen = 0
        yield* FileWatch.changes(at("file")).pipe(
          Stream.runForEach(() => Effect.sync(() => void (seen += 1))),
          Effect.forkScoped({ startImmediately: true })
        )
        yield* Effect.sleep("300 millis")
        const steps: ReadonlyArray<readonly [string, () => Promise<unknown>]> = [
          ["written over", () => fs.writeFile(at("one"), "1 and more")],
          ["replaced", async () => {
            await fs.writeFile(at("new"), "3")
            await fs.rename(at("new"), at("one"))
          }],
          ["another link", async () => {
            await fs.symlink(at("two"), at("link"))
            await fs.rename(at("link"), at("file"))
          }],
          ["gone", () => fs.rm(at("two"))]
        ]
        for (const [index, [what, step]] of steps.entries()) {
          yield* run(step)
          yield* until(what, () => seen > index)
          assert.strictEqual(seen, index + 1, what)
        }
      }).pipe(Effect.scoped),
    80_000
  )

  it.live("looks at all files of a folder, of which one changes, comes or goes", () =>
    Effect.gen(function*() {
      const folder = yield* temporaryFolder
      const at = (name: string) => path.join(folder, name)
      const names = Array.from({ length: 40 }, (_, index) => `checker-${index}.json`)
      const look = FileWatch.stampOfAll(at("agent.txt"), folder, (name) => name.endsWith(".json"))
      yield* Effect.promise(() => Promise.all(names.map((name) => fs.writeFile(at(name), "1"))))

      const first = yield* look
      assert.strictEqual(first.split("\n").length, names.length + 1)
      assert.isTrue(first.startsWith(`${at("agent.txt")} absent\n`))
      assert.strictEqual(yield* look, first)
      yield* Effect.promise(() => fs.writeFile(at("notes.txt"), "of no interest"))
      assert.strictEqual(yield* look, first)

      const seen = [first]
      const works = [
        () => fs.writeFile(at("checker-7.json"), "22"),
        () => fs.writeFile(at("other.json"), "3"),
        () => fs.rm(at("checker-39.json"))
      ]
      for (const work of works) {
        yield* Effect.promise(work)
        const now = yield* look
        assert.notInclude(seen, now)
        seen.push(now)
      }
      const none = yield* FileWatch.stampOfAll(at("agent.txt"), at("nowhere"), () => true)
      assert.strictEqual(none, `${at("agent.txt")} absent`)
    }).pipe(Effect.scoped))
})
