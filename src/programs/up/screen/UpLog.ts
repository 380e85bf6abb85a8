/**
 * The log of a program that draws on the terminal: JSON lines in a file, the last warnings kept for the screen.
 *
 * The file holds this run only; a run that logs without end is bounded by `bytesMax`, after which the file starts over.
 */
import { Effect, type Layer } from "effect"
import * as fs from "node:fs"
import * as Logging from "../../../layers/telemetry/Logging.ts"

const warningsMax = 4
const bytesMax = 20 * 1024 * 1024

const openFile = (file: string) =>
  Effect.acquireRelease(
    Effect.sync(() => fs.openSync(file, "w", 0o600)),
    (descriptor) => Effect.sync(() => fs.closeSync(descriptor))
  )

/** The layer, and the last warnings, newest last. */
export const make = Effect.fn("UpLog.make")(function*(file: string) {
  const descriptor = yield* openFile(file)
  let kept: ReadonlyArray<Logging.LogEntry> = []
  let bytes = 0
  const layer: Layer.Layer<never> = Logging.layerTo({
    write: (line) => {
      if (bytes > bytesMax) {
        fs.ftruncateSync(descriptor, 0)
        bytes = 0
      }
      bytes += fs.writeSync(descriptor, `${line}\n`, bytes)
    },
    show: (entry) => {
      kept = [...kept, entry].slice(-warningsMax)
    }
  })
  return { layer, warnings: Effect.sync(() => kept) }
})
