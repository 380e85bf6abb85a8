/** The user whom a command names, or how to make one. */
import { Console, Effect, Option } from "effect"
import { NegativeAnswer } from "../../../layers/command/NegativeAnswer.ts"
import * as Directory from "../../../services/identity/Directory.ts"

export const byEmail = Effect.fnUntraced(function*(email: string, requestId: string) {
  const user = yield* Directory.userByName(email, requestId)
  if (Option.isSome(user)) return user.value
  yield* Console.error(`There is no user ${email}: serviceradar user add ${email}`)
  return yield* new NegativeAnswer({ answer: `no user ${email}` })
})
