/** The user whom a command names, or how to make one. */
import { Console, Effect } from "effect"
import { NegativeAnswer } from "../../../layers/command/NegativeAnswer.ts"
import * as Directory from "../../../services/identity/Directory.ts"

export const byEmail = Effect.fnUntraced(function*(email: string, requestId: string) {
  const [user, ...others] = yield* Directory.usersByName(email, requestId)
  if (user !== undefined && others.length === 0) return user
  if (user !== undefined) {
    const names = yield* Effect.forEach([user, ...others], (one) => Directory.fullNameOf(one, requestId))
    yield* Console.error(`There are several, of whom nobody has signed in yet; name one of them: ${names.join(", ")}`)
    return yield* new NegativeAnswer({ answer: `several users ${email}` })
  }
  yield* Console.error(`There is no user ${email}: serviceradar user add ${email}`)
  return yield* new NegativeAnswer({ answer: `no user ${email}` })
})
