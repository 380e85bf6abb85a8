/** A yes before something that cannot be undone: asked on a terminal, and off one only taken from the command line. */
import { Effect, Schema } from "effect"
import * as Prompt from "effect/cli/Prompt"

export class NotConfirmed extends Schema.TaggedError<NotConfirmed>()("NotConfirmed", {
  question: Schema.String
}) {
  override get message(): string {
    return `${this.question} There is no terminal to ask on: say --yes`
  }
}

/** False when a person said no, or left. */
export const confirm = Effect.fn("Confirmation.confirm")(function*(
  question: string,
  { isTerminal, yes }: { readonly yes: boolean; readonly isTerminal: boolean }
) {
  if (yes) return true
  if (!isTerminal) return yield* new NotConfirmed({ question })
  return yield* Prompt.run(Prompt.Confirm({ message: question, initial: false })).pipe(
    Effect.catchTag("QuitError", () => Effect.succeed(false))
  )
})
