/** Many checks of plugins that are asked for at once, each with a thread that has to be started. */
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect } from "effect"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import * as Thread from "../../../../src/layers/plugins/Thread.ts"
import * as ModuleProbe from "../../../../src/layers/probes/modules/ModuleProbe.ts"
import { ModuleVersions } from "../../../../src/services/agent/plugins/ModuleVersions.ts"
import { temporaryFolder } from "../../../support/temporaryFolder.ts"

/** How many threads are on their way at a time, and what is the most that were. */
const counted = () => {
  const starting = { now: 0, most: 0 }
  const begin: Thread.Begin = (order) => {
    const thread = Thread.begin(order)
    starting.now += 1
    starting.most = Math.max(starting.most, starting.now)
    void thread.begun.then(() => starting.now--)
    return thread
  }
  return { starting, begin }
}

const probes = Effect.fnUntraced(function*(text: string, begin: Thread.Begin, places: ModuleProbe.ThreadPlaces) {
  const file = path.join(yield* temporaryFolder, "plugin.mjs")
  yield* Effect.promise(() => fs.writeFile(file, text))
  const versions = new ModuleVersions({
    version: "1",
    file,
    text,
    manifest: {
      contract: 1,
      kind: "checker",
      serviceTypes: ["own"],
      functions: { check: true, initial: false, migrate: false }
    }
  })
  const prepare = ModuleProbe.prepare({ name: "plugin", versions, places, limits: { heapMegabytes: 32, begin } })
  return (serviceName: string) =>
    Effect.scoped(Effect.flatMap(
      prepare({ serviceType: "own", serviceName, details: "", port: 0, agentId: "agent-1", pollerId: "poller-1" }),
      ({ check }) => check
    ))
})

const good = "export const check = async () => ({ available: true })"

describe("Checks of plugins", () => {
  it.live("are started some at a time when all are asked for at once, and are all well", () =>
    Effect.gen(function*() {
      const { begin, starting } = counted()
      const ask = yield* probes(good, begin, ModuleProbe.threadPlaces(64))

      const answers = yield* Effect.forEach(
        Array.from({ length: 24 }, (_, index) => `check-${index}`),
        ask,
        { concurrency: "unbounded" }
      )

      assert.isTrue(answers.every(({ available }) => available), answers.map(({ message }) => message).join("\n"))
      assert.isAtMost(starting.most, ModuleProbe.startsMax)
    }).pipe(Effect.scoped), 60_000)

  it.live("have their turn also beside those that never come to their start", () =>
    Effect.gen(function*() {
      const places = ModuleProbe.threadPlaces(64)
      const { begin } = counted()
      const hanging = yield* probes(`await new Promise(() => {})\n${good}`, begin, places)
      yield* Effect.forEach(
        Array.from({ length: 2 * ModuleProbe.startsMax }, (_, index) => `hangs-${index}`),
        (name) => Effect.forkScoped(Effect.exit(hanging(name)), { startImmediately: true }),
        { discard: true }
      )

      const well = yield* probes(good, begin, places)
      const answer = yield* Effect.timeout(well("well"), Duration.seconds(30))

      assert.isTrue(answer.available)
    }).pipe(Effect.scoped), 60_000)
})
