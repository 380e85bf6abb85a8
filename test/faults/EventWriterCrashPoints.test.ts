/**
 * A writer that dies between any two of its steps, and what another one finds afterwards: each message is stored once or
 * a dead letter once.
 */
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { assert, describe, layer } from "@effect/vitest"
import { ConfigProvider, Context, Effect, Layer, Logger, Option, Redacted } from "effect"
import { spawn } from "node:child_process"
import { fileURLToPath } from "node:url"
import * as EventWriterSettings from "../../src/domain/events/settings/EventWriterSettings.ts"
import * as EventWriterEnvironment from "../../src/layers/events/settings/EventWriterEnvironment.ts"
import * as EventWriterProgram from "../../src/programs/event-writer/EventWriterProgram.ts"
import { SupervisionTree } from "../../src/services/supervision/SupervisionTree.ts"
import * as EventWriter from "../support/eventWriter.ts"
import * as NatsServer from "../support/natsServer.ts"
import * as TestConnection from "../support/TestConnection.ts"
import { TestDatabase } from "../support/TestDatabase.ts"

/** Where to die, and at which passing: early, and when much is under way. */
const deaths: ReadonlyArray<readonly [point: string, passes: ReadonlyArray<number>]> = [
  ["fetched", [1, 4]],
  ["decoded", [1, 200]],
  ["staged", [1, 6]],
  ["storing", [1, 6]],
  ["committed", [1, 6]],
  ["acked", [1, 120]],
  ["burying", [1, 5]],
  ["dead-lettered", [1, 5]],
  ["termed", [1, 5]]
]

const program = fileURLToPath(new URL("../fixtures/crashingWriter.ts", import.meta.url))

const messagesPerDeath = 400

class Setup extends Context.Service<Setup, {
  readonly environment: Readonly<Record<string, string>>
  readonly connection: Effect.Success<ReturnType<typeof EventWriter.natsConnection>>
  /** The first number that no test has published. */
  readonly take: () => number
}>()("test/faults/EventWriterCrashPoints/Setup") {
  static readonly layer = Layer.effect(
    Setup,
    Effect.gen(function*() {
      const server = yield* NatsServer.start()
      const { url } = yield* TestDatabase
      const connection = yield* EventWriter.natsConnection(server.url)
      let next = 1
      const environment = EventWriter.environment(server.url, Redacted.value(url))
      // Makes streams and tables.
      yield* Effect.scoped(Effect.andThen(Effect.forkScoped(writer(environment)), EventWriter.awaitStreams(connection)))
      return {
        environment,
        connection,
        take: () => {
          const first = next
          next += messagesPerDeath
          return first
        }
      }
    })
  )
}

/** A writer that nothing happens to. */
const writer = (environment: Readonly<Record<string, string>>) =>
  Effect.gen(function*() {
    const { options } = yield* EventWriterEnvironment.read
    return yield* EventWriterProgram.run(EventWriterSettings.resolve([options]), Option.none())
  }).pipe(
    Effect.provide([
      SupervisionTree.layer,
      NodeFileSystem.layer,
      ConfigProvider.layer(ConfigProvider.fromUnknown(environment)),
      Logger.layer([])
    ])
  )

/** Waits until the writer has killed itself; its output otherwise. */
const death = (environment: Readonly<Record<string, string>>, point: string, passes: number) =>
  Effect.callback<string>((resume) => {
    const child = spawn(process.execPath, [
      program,
      point,
      `${passes}`
    ], {
      env: { ...process.env, ...environment },
      stdio: ["ignore", "pipe", "pipe"]
    })
    let output = ""
    const keep = (chunk: Buffer) => (output += chunk.toString("utf8"))
    child.stdout.on("data", keep)
    child.stderr.on("data", keep)
    child.once("close", (code, signal) => resume(Effect.succeed(signal ?? `ended with ${code}: ${output}`)))
    const limit = setTimeout(() => resume(Effect.succeed(`still alive: ${output}`)), 30_000)
    return Effect.sync(() => {
      clearTimeout(limit)
      child.kill("SIGKILL")
    })
  })

describe("A writer that dies", () => {
  layer(
    Setup.layer.pipe(Layer.provideMerge(TestConnection.layer)),
    { timeout: "60 seconds", excludeTestServices: true }
  )("loses and repeats nothing", (it) => {
    for (const [point, allPasses] of deaths) {
      for (const passes of allPasses) {
        it.effect(`at "${point}", passed ${passes} times`, () =>
          Effect.gen(function*() {
            const { connection, environment, take } = yield* Setup
            const first = take()
            const marks = Array.from({ length: messagesPerDeath }, (_, index) => first + index)
            const acked = yield* Effect.promise(() =>
              Promise.all(marks.map((mark) => EventWriter.publish(connection, mark)))
            )
            assert.isTrue(acked.every((isKept) => isKept))

            assert.strictEqual(yield* death(environment, point, passes), "SIGKILL")
            yield* Effect.forkScoped(writer(environment))
            yield* EventWriter.awaitSettled(connection, { within: "30 seconds" })

            const published = { acked: new Set(marks), unknown: new Set<number>() }
            const { deadLetters: _, rows: _rows, ...wrong } = yield* EventWriter.audit(connection, published, first)
            assert.deepStrictEqual(wrong, { lost: [], duplicated: [], torn: [] })
          }))
      }
    }
  })
})
