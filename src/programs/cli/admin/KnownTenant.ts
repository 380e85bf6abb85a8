/** The tenant that a command names, or how to make one. */
import { Console, Effect, Option } from "effect"
import { NegativeAnswer } from "../../../layers/command/NegativeAnswer.ts"
import * as Directory from "../../../services/identity/Directory.ts"

/** By its id or its short name. */
export const idOf = Effect.fnUntraced(function*(named: string, requestId: string) {
  const tenant = yield* Directory.tenant(named, requestId)
  if (Option.isSome(tenant)) return String(tenant.value.values["id"])
  yield* Console.error(`There is no tenant ${named}: serviceradar tenant add ${named}`)
  return yield* new NegativeAnswer({ answer: `no tenant ${named}` })
})
