/** What a program and the process that starts others for it tell each other: each message is of one program, by its number. */
import { Schema } from "effect"
import type { Order } from "./Program.ts"

export type ToHouse = { readonly id: number; readonly order: Order } | { readonly id: number; readonly deafen: true }

const Id = Schema.Int
const Part = Schema.declare((value): value is Buffer => Buffer.isBuffer(value))

export const FromHouse = Schema.Union([
  Schema.Struct({ id: Id, pid: Schema.Int }),
  Schema.Struct({ id: Id, stream: Schema.Literals(["stdout", "stderr"]), part: Part }),
  Schema.Struct({ id: Id, failed: Schema.String }),
  Schema.Struct({ id: Id, code: Schema.NullOr(Schema.Int), signal: Schema.NullOr(Schema.String) }),
  Schema.Struct({ id: Id, closed: Schema.Literal(true) })
])
export type FromHouse = typeof FromHouse.Type
