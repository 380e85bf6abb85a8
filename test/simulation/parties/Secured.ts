/** What every program needs of security, without certificates: the files of a host hold none. */
import { Layer, Path } from "effect"
import * as SecurityLayer from "../../../src/layers/security/SecurityLayer.ts"
import { HostFiles } from "./HostFiles.ts"

export const securedWith = (files: HostFiles) =>
  Layer.orDie(SecurityLayer.layer).pipe(Layer.provideMerge(Layer.merge(files.layer, Path.layer)))

/** Of a host without files. */
export const secured = securedWith(new HostFiles())
