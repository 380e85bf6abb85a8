/**
 * Where the running `serviceradar up` of a directory can be reached: `run.json` in its data directory.
 *
 * The file is there only while the program runs, but a killed program leaves it behind; whoever reads it must expect
 * that nobody answers.
 */
import { Effect, FileSystem, Option, Schema } from "effect"
import * as path from "node:path"

/** Relative to the working directory. */
export const directoryDefault = ".serviceradar"

export const RunState = Schema.Struct({
  pid: Schema.Int,
  /** Core's management address. */
  httpUrl: Schema.String,
  ports: Schema.Struct({
    coreGrpc: Schema.Int,
    coreHttp: Schema.Int,
    agentGrpc: Schema.Int,
    pollerGrpc: Schema.Int
  })
})
export type RunState = typeof RunState.Type

const fileName = "run.json"

const decode = Schema.decodeUnknownOption(Schema.fromJsonString(RunState))

/** None when there is no such file, or it is not ours. */
export const read = Effect.fn("RunState.read")(function*(directory: string) {
  const files = yield* FileSystem.FileSystem
  const text = yield* Effect.option(files.readFileString(path.join(directory, fileName)))
  return Option.flatMap(text, decode)
})

/** Written now, removed when the scope closes. */
export const publish = Effect.fn("RunState.publish")(function*(directory: string, state: RunState) {
  const files = yield* FileSystem.FileSystem
  const file = path.join(directory, fileName)
  yield* Effect.acquireRelease(
    files.writeFileString(file, `${JSON.stringify(state, null, 2)}\n`),
    () => Effect.ignore(files.remove(file, { force: true }))
  )
})
