/**
 * A shadow's statuses in `shadow.jsonl` of the rollout's folder; when that is full it becomes `shadow.jsonl.1`, in place of
 * the one before. A disk that takes nothing costs lines, never the poller.
 */
import { Effect, Layer, Option } from "effect"
import * as path from "node:path"
import { ShadowSink } from "../../../services/poller/rollout/ShadowSink.ts"
import * as LogFile from "../../process/LogFile.ts"

export interface Options {
  readonly folder: string
  /** Of both files. */
  readonly bytesMax: number
}

export const nameOf = (folder: string): string => path.join(folder, "shadow.jsonl")

/** Oldest first. */
export const namesOf = (file: string): ReadonlyArray<string> => [`${file}.1`, file]

export const layer = ({ bytesMax, folder }: Options) =>
  Layer.effect(
    ShadowSink,
    Effect.gen(function*() {
      const name = nameOf(folder)
      let trouble = Option.none<string>()
      /** What the log is to be told with the next line. */
      const untold: Array<LogFile.LogFileState> = []
      const file = yield* Effect.acquireRelease(
        Effect.sync(() =>
          LogFile.open(name, {
            bytesMax: Math.floor(bytesMax / 2),
            whenFull: "rename",
            keep: true,
            onChange: (state) => {
              trouble = Option.map(
                Option.fromUndefinedOr(state.problem),
                (problem) => `${name} cannot be written: ${problem}`
              )
              untold.push(state)
            }
          })
        ),
        (open) => Effect.sync(() => open.close())
      )
      const tell = ({ bytesLost, problem }: LogFile.LogFileState) =>
        problem === undefined
          ? Effect.logInfo(`${name} is written again; ${bytesLost} bytes of it were lost`)
          : Effect.logWarning(`${name} cannot be written, its lines are lost meanwhile: ${problem}`)
      return ShadowSink.of({
        write: (lines) =>
          Effect.suspend(() => {
            file.write(lines)
            return Effect.forEach(untold.splice(0), tell, { discard: true })
          }),
        trouble: Effect.sync(() => trouble)
      })
    })
  )
