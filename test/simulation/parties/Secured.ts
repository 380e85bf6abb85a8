/** What every program needs of security, without certificates: the file system of a world holds no files. */
import { Layer, Path } from "effect"
import * as FileSystem from "effect/FileSystem"
import * as SecurityLayer from "../../../src/layers/security/SecurityLayer.ts"

export const secured = Layer.orDie(SecurityLayer.layer).pipe(
  Layer.provideMerge(Layer.merge(FileSystem.layerNoop({}), Path.layer))
)
