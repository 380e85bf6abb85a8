/** `serviceradar dlq show ID`: one dead letter with its payload. Exit code 1 when there is none of this id. */
import { Console, Effect } from "effect"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import type { DeadLetter } from "../../domain/events/stream/DeadLetter.ts"
import { NegativeAnswer } from "../../layers/command/NegativeAnswer.ts"
import * as DeadLetterText from "../../layers/terminal/DeadLetterText.ts"
import * as Style from "../../layers/terminal/Style.ts"
import { DeadLetters } from "../../services/events/DeadLetters.ts"
import * as DlqConnection from "./DlqConnection.ts"
import * as DlqFlags from "./DlqFlags.ts"

/** Whole when it succeeds, also into a pipe that is slow. */
const writeBytes = (data: Uint8Array): Effect.Effect<void> =>
  Effect.callback<void>((resume) => {
    process.stdout.write(data, () => resume(Effect.void))
  })

const print = (letter: DeadLetter, { json, raw }: { readonly json: boolean; readonly raw: boolean }) => {
  if (raw) return writeBytes(letter.data)
  return Console.log(
    json
      ? JSON.stringify(DeadLetterText.detailsJson(letter), null, 2)
      : DeadLetterText.details(letter, Style.forStream(process.stdout, process.env)).join("\n")
  )
}

export const showCommand = Command.make("show", {
  id: DlqFlags.idArgument,
  raw: Flag.Boolean("raw").pipe(
    Flag.withDefault(false),
    Flag.withDescription("Write the payload alone, byte for byte")
  ),
  json: DlqFlags.jsonFlag.pipe(Flag.withDescription("Print JSON, the payload in base64")),
  ...DlqConnection.flags
}, (options) =>
  Effect.gen(function*() {
    const letters = yield* DeadLetters
    const letter = yield* letters.get(options.id).pipe(
      Effect.catchIf((error) => error.isMissing, () =>
        Effect.andThen(
          Console.error(`There is no dead letter ${options.id}`),
          Effect.fail(new NegativeAnswer({ answer: `no dead letter ${options.id}` }))
        ))
    )
    yield* print(letter, options)
  }).pipe(DlqConnection.provide(options))).pipe(
    Command.withDescription("Show a dead letter: headers, where it came from, why it is here, and its payload"),
    Command.withExamples([
      {
        command: "serviceradar dlq show TELEMETRY.events.17.1767323045123456",
        description: "Everything about one, with the payload as JSON, text or hex"
      },
      {
        command: "serviceradar dlq show TELEMETRY.events.17.1767323045123456 --raw > payload.bin",
        description: "The exact bytes"
      }
    ])
  )
