/**
 * The log of a program that draws on the terminal: JSON lines in a file, the last warnings kept for the screen.
 *
 * The file holds this run only; a run that logs without end is bounded by `bytesMax`, after which the file starts over. A file
 * that cannot be written is a warning on the screen, and nothing else ends or waits for it.
 */
import { Effect, type Layer } from "effect"
import * as LogFile from "../../../layers/process/LogFile.ts"
import * as Logging from "../../../layers/telemetry/Logging.ts"

const warningsMax = 4
const bytesMax = 20 * 1024 * 1024

/** The layer, and the last warnings, newest last. */
export const make = Effect.fn("UpLog.make")(function*(path: string) {
  let kept: ReadonlyArray<Logging.LogEntry> = []
  const show = (entry: Logging.LogEntry) => {
    kept = [...kept, entry].slice(-warningsMax)
  }
  const file = yield* Effect.acquireRelease(
    Effect.sync(() =>
      LogFile.open(path, {
        bytesMax,
        whenFull: "truncate",
        keep: false,
        onChange: ({ bytesLost, problem }) =>
          show({
            level: "Warn",
            text: problem === undefined
              ? `${path} is written again; ${bytesLost} bytes of it were lost`
              : `${path} cannot be written, its lines are lost meanwhile: ${problem}`,
            atMillis: Date.now()
          })
      })
    ),
    (file) => Effect.sync(() => file.close())
  )
  const layer: Layer.Layer<never> = Logging.layerTo({ write: (line) => file.write(`${line}\n`), show })
  return { layer, warnings: Effect.sync(() => kept) }
})
