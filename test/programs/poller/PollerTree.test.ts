/** The poller's tree under random faults, between agents and a core that answer. */
import { describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import * as PollerProgram from "../../../src/programs/poller/PollerProgram.ts"
import { SupervisionTree } from "../../../src/services/supervision/SupervisionTree.ts"
import { TreeCheck } from "../../../src/services/supervision/testing/index.ts"
import { within, withstandsFaults } from "../../support/programTree.ts"
import { secured } from "../../support/secured.ts"
import * as PollerWorld from "./PollerWorld.ts"

const subject = Effect.sync(() => {
  const { layer, promises } = PollerWorld.make()
  return within(
    TreeCheck.subject(PollerProgram.tree(PollerWorld.config), promises),
    layer.pipe(Layer.provideMerge(secured), Layer.provideMerge(SupervisionTree.layer))
  )
})

describe("The poller's tree", () => {
  it.live("withstands random faults and polls every agent again", () => withstandsFaults(subject, 12))
})
