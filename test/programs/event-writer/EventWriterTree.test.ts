/** The event writer's tree under random faults. */
import { describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import * as EventWriterProgram from "../../../src/programs/event-writer/EventWriterProgram.ts"
import { SupervisionTree } from "../../../src/services/supervision/SupervisionTree.ts"
import { TreeCheck } from "../../../src/services/supervision/testing/index.ts"
import { within, withstandsFaults } from "../../support/programTree.ts"
import { secured } from "../../support/secured.ts"
import * as WriterWorld from "./WriterWorld.ts"

const subject = Effect.sync(() => {
  const { layer, promises } = WriterWorld.make(50)
  return within(
    TreeCheck.subject(EventWriterProgram.tree(WriterWorld.settings), promises),
    layer.pipe(Layer.provideMerge(secured), Layer.provideMerge(SupervisionTree.layer))
  )
})

describe("The event writer's tree", () => {
  it.live("withstands random faults and stores every message", () => withstandsFaults(subject, 12))
})
