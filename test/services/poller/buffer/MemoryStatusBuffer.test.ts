import { describe } from "@effect/vitest"
import * as MemoryStatusBuffer from "../../../../src/services/poller/buffer/MemoryStatusBuffer.ts"
import { contract } from "./bufferContract.ts"

describe("Statuses in memory", () => {
  contract((limits) => MemoryStatusBuffer.layer(limits))
})
