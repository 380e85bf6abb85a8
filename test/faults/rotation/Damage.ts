/** What goes wrong with certificate files: what is there afterwards is no set that a program would take. */
import { Effect } from "effect"
import * as fs from "node:fs/promises"
import type { Authority } from "../../support/authority.ts"
import { issue, type Service } from "./SixProcesses.ts"

export interface Damage {
  readonly name: string
  /** Of the service with these two files, whose CA is still this one. */
  readonly inflict: (
    files: { readonly service: Service; readonly cert: string; readonly key: string },
    ca: Authority
  ) => Effect.Effect<void>
}

export const damages: ReadonlyArray<Damage> = [
  {
    name: "a half-written certificate",
    inflict: ({ cert, service }, ca) =>
      Effect.promise(() => {
        const text = issue(ca, service).cert
        return fs.writeFile(cert, text.slice(0, text.length / 2))
      })
  },
  {
    name: "a certificate with another one's key",
    inflict: ({ cert, service }, ca) => Effect.promise(() => fs.writeFile(cert, issue(ca, service).cert))
  },
  {
    name: "a deleted key",
    inflict: ({ key }) => Effect.promise(() => fs.rm(key))
  }
]
