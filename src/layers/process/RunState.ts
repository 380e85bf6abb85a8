/**
 * Where the running `serviceradar up` of a directory can be reached: `run.json` in its data directory.
 *
 * The file is there only while the program runs, but a killed program leaves it behind; whoever reads it must expect
 * that nobody answers.
 */
import { Effect, Option, Schema } from "effect"
import * as path from "node:path"
import * as OwnFile from "./OwnFile.ts"

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
  const text = yield* Effect.option(OwnFile.read(path.join(directory, fileName)))
  return Option.flatMap(Option.flatten(text), decode)
})

/** Written now, removed when the scope closes. */
export const publish = Effect.fn("RunState.publish")(function*(directory: string, state: RunState) {
  const file = path.join(directory, fileName)
  yield* Effect.acquireRelease(
    OwnFile.write(file, `${JSON.stringify(state, null, 2)}\n`, { mode: 0o644 }),
    () => Effect.ignore(OwnFile.remove(file))
  )
})
