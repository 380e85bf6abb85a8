/** Files, and certificates from them, for whatever connects: what a program gives its layers. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Layer } from "effect"
import * as SecurityLayer from "../../src/layers/security/SecurityLayer.ts"

export const secured = Layer.orDie(SecurityLayer.layer).pipe(Layer.provideMerge(NodeServices.layer))
