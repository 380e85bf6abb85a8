import { describe } from "@effect/vitest"
import { Layer } from "effect"
import * as DiskStatusBuffer from "../../../../src/layers/poller/buffer/DiskStatusBuffer.ts"
import { contract } from "../../../services/poller/buffer/bufferContract.ts"
import { chanceOf, CrashingFiles } from "./CrashingFiles.ts"

const never = Infinity

describe("Statuses in a folder", () => {
  describe("as long as all goes well", () => {
    contract((limits) =>
      Layer.suspend(() => DiskStatusBuffer.layer({ files: new CrashingFiles(chanceOf(1), never).files, ...limits }))
    )
  })
  describe("that hold hardly anything in memory", () => {
    contract((limits) =>
      Layer.suspend(() =>
        DiskStatusBuffer.layer({
          files: new CrashingFiles(chanceOf(1), never).files,
          ...limits,
          ahead: { entriesMax: 120, bytesMax: 1_000_000 }
        })
      )
    )
  })
})
