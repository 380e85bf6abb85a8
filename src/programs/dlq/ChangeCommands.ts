/**
 * `serviceradar dlq replay` and `drop`: for the ids that are given, or with `--all` for all that match the filters.
 *
 * What is to be changed is listed before it is asked about, so that letters which arrive meanwhile (a replayed message
 * may come back as one) are not taken along. Exit code 1 when nothing matched or not all of it could be done.
 */
import { Console, Effect, Option, Schema, Stream } from "effect"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import { NegativeAnswer } from "../../layers/command/NegativeAnswer.ts"
import { DeadLetters } from "../../services/events/DeadLetters.ts"
import * as Confirmation from "./Confirmation.ts"
import * as DeadLetterChange from "./DeadLetterChange.ts"
import * as DlqConnection from "./DlqConnection.ts"
import * as DlqFlags from "./DlqFlags.ts"
import * as Progress from "./Progress.ts"

/** More are for the next call: their ids are held in memory. */
const lettersMax = 100_000

const failuresShownMax = 10

export class NothingChosen extends Schema.TaggedError<NothingChosen>()("NothingChosen", {
  expectation: Schema.String
}) {
  override get message(): string {
    return `Which dead letters? ${this.expectation}`
  }
}

interface Options extends DlqFlags.FilterFlags {
  readonly ids: ReadonlyArray<string>
  readonly all: boolean
  readonly limit: Option.Option<number>
  readonly yes: boolean
  readonly json: boolean
}

/** Judged before anybody is asked. */
const judge = (options: Options) => {
  const isFiltered = DlqFlags.isFiltered(options)
  if (options.ids.length > 0) {
    return options.all || isFiltered || Option.isSome(options.limit)
      ? Effect.fail(new NothingChosen({ expectation: "Ids, or --all with filters, but not both" }))
      : Effect.void
  }
  if (options.all) return Effect.void
  const expectation = isFiltered ? "Say --all to take all that match the filters" : "Give their ids, or --all"
  return Effect.fail(new NothingChosen({ expectation }))
}

const chosen = Effect.fnUntraced(function*(options: Options) {
  if (options.ids.length > 0) return [...new Set(options.ids)]
  const letters = yield* DeadLetters
  return yield* letters.list(yield* DlqFlags.filterOf(options)).pipe(
    Stream.map((letter) => letter.id),
    Stream.take(Math.min(lettersMax, Option.getOrElse(options.limit, () => lettersMax))),
    Stream.runCollect
  )
})

const count = (letters: number): string => `${letters.toLocaleString("en-US")} dead letter${letters === 1 ? "" : "s"}`

const report = Effect.fnUntraced(
  function*(action: DeadLetterChange.Action, total: number, changed: DeadLetterChange.Changed) {
    const { done, failed, untouched } = changed
    const isWhole = done === total
    yield* Console.error(
      isWhole ? `${action.past} ${count(done)}` : `${action.past} ${done.toLocaleString("en-US")} of ${count(total)}`
    )
    for (const { error, id } of failed.slice(0, failuresShownMax)) yield* Console.error(`  ${id}: ${error}`)
    const hidden = failed.length - failuresShownMax
    if (hidden > 0) yield* Console.error(`  … and ${hidden.toLocaleString("en-US")} more failed: --json names all`)
    if (untouched > 0) yield* Console.error(`  ${untouched.toLocaleString("en-US")} not tried after so many failures`)
    if (!isWhole) return yield* new NegativeAnswer({ answer: `${total - done} of ${total} failed` })
  }
)

const changeAll = Effect.fn("dlq.change")(function*(action: DeadLetterChange.Action, options: Options) {
  const ids = yield* chosen(options)
  if (ids.length === 0) {
    yield* Console.error("No dead letter matches")
    return yield* new NegativeAnswer({ answer: "no dead letter matches" })
  }
  const isConfirmed = yield* Confirmation.confirm(`${action.present} ${count(ids.length)}?`, {
    yes: options.yes,
    isTerminal: process.stdin.isTTY === true && process.stdout.isTTY === true
  })
  if (!isConfirmed) {
    yield* Console.error("Nothing was changed")
    return yield* new NegativeAnswer({ answer: "not confirmed" })
  }
  const progress = yield* Progress.make(action.past, ids.length, process.stderr)
  const changed = yield* DeadLetterChange.change(action, ids, {
    onEach: ({ error, id }) =>
      Effect.andThen(
        options.json
          ? Console.log(JSON.stringify(error === "" ? { id, done: true } : { id, done: false, error }))
          : Effect.void,
        progress.advance
      )
  })
  yield* report(action, ids.length, changed)
}, Effect.scoped)

const parameters = {
  ids: DlqFlags.idArgument.pipe(Argument.variadic()),
  all: Flag.Boolean("all").pipe(Flag.withDefault(false), Flag.withDescription("All that match the filters")),
  ...DlqFlags.filterFlags,
  limit: DlqFlags.limitFlag.pipe(
    Flag.withDescription(`At most so many of them, the oldest; ${lettersMax.toLocaleString("en-US")} unless told`)
  ),
  yes: Flag.Boolean("yes").pipe(
    Flag.withAlias("y"),
    Flag.withDefault(false),
    Flag.withDescription("Do not ask; needed where there is no terminal")
  ),
  json: DlqFlags.jsonFlag.pipe(Flag.withDescription("Print a line of JSON for each: what became of it")),
  ...DlqConnection.flags
}

const run = (action: DeadLetterChange.Action, options: Options & DlqConnection.Flags) =>
  Effect.andThen(
    judge(options),
    changeAll(action, options).pipe(DlqConnection.provide(options))
  )

export const replayCommand = Command.make(
  "replay",
  parameters,
  (options) => run(DeadLetterChange.replay, options)
).pipe(
  Command.withDescription("Publish dead letters again on their own subjects, as they were, and take them off the list"),
  Command.withExamples([
    {
      command: "serviceradar dlq replay TELEMETRY.events.17.1767323045123456",
      description: "One, after its cause is gone"
    },
    {
      command: "serviceradar dlq replay --all --stream OTEL_METRICS --reason rejected --since 1d --yes",
      description: "All metrics that the database refused since yesterday, without a question"
    }
  ])
)

export const dropCommand = Command.make(
  "drop",
  parameters,
  (options) => run(DeadLetterChange.drop, options)
).pipe(
  Command.withDescription("Delete dead letters for good"),
  Command.withExamples([
    {
      command: "serviceradar dlq drop --all --error 'expected JSON'",
      description: "What never was an event; asks before it does so"
    },
    { command: "serviceradar dlq drop --all --limit 1000 --yes", description: "The oldest thousand" }
  ])
)
