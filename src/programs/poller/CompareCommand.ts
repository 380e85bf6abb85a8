/**
 * `serviceradar compare LEFT RIGHT`: two pollers' results side by side, from the files of shadows or from what core got.
 *
 * Exit code 0 when they agree, 1 when not, 2 when they could not be compared.
 */
import { Clock, Config, Console, Effect, Option, Schema } from "effect"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import { NegativeAnswer } from "../../layers/command/NegativeAnswer.ts"
import * as Since from "../../layers/command/Since.ts"
import * as ComparisonText from "../../layers/poller/comparing/ComparisonText.ts"
import * as CoreDatabaseSource from "../../layers/poller/comparing/CoreDatabaseSource.ts"
import * as ShadowSource from "../../layers/poller/comparing/ShadowSource.ts"
import * as Style from "../../layers/terminal/Style.ts"
import * as PollerComparing from "../../services/poller/comparing/PollerComparing.ts"

export class NoDatabase extends Schema.TaggedError<NoDatabase>()("NoDatabase", { side: Schema.String }) {
  override get message(): string {
    return `${this.side} asks what core got, but of which database? Give --database, or set DATABASE_URL`
  }
}

const side = (name: string) =>
  Argument.String(name).pipe(
    Argument.withDescription("The file of a shadow or its folder, or core:POLLER_ID for what core got of a poller")
  )

const moment = (name: string) =>
  Flag.String(name).pipe(
    Flag.filterMap(Since.parse, (text) => `an age such as 2h or 7d, or a time, got ${JSON.stringify(text)}`),
    Flag.optional,
    Flag.withMetavar("AGE|TIME")
  )

const flags = {
  left: side("left"),
  right: side("right"),
  database: Flag.Redacted("database").pipe(
    Flag.optional,
    Flag.withMetavar("URL"),
    Flag.withDescription("Where core keeps what it got; DATABASE_URL by default")
  ),
  since: moment("since").pipe(Flag.withDescription("Only statuses of this age or of this time and later")),
  until: moment("until").pipe(Flag.withDescription("Only statuses that are older")),
  json: Flag.Boolean("json").pipe(Flag.withDefault(false), Flag.withDescription("Print a JSON object"))
}

const core = "core:"

const openOf = Effect.fnUntraced(
  function*(named: string, database: Option.Option<CoreDatabaseSource.CoreDatabase["url"]>) {
    if (!named.startsWith(core)) return yield* ShadowSource.make(named)
    if (Option.isNone(database)) return yield* new NoDatabase({ side: named })
    return yield* CoreDatabaseSource.make({ url: database.value, pollerId: named.slice(core.length) })
  }
)

export const command = Command.make("compare", flags, (options) =>
  Effect.scoped(Effect.gen(function*() {
    const environment = yield* Config.option(Config.Redacted("DATABASE_URL"))
    const database = Option.orElse(options.database, () => environment)
    const left = yield* openOf(options.left, database)
    const right = yield* openOf(options.right, database)
    const now = yield* Clock.currentTimeMillis
    const compared = yield* PollerComparing.compare({ left, right }, {
      firstMillis: Option.match(options.since, { onNone: () => 0, onSome: (since) => Since.toMillis(since, now) }),
      lastMillis: Option.match(options.until, {
        onNone: () => Number.MAX_SAFE_INTEGER,
        onSome: (until) => Since.toMillis(until, now)
      })
    })
    const isEqual = compared.checks.every(ComparisonText.isEqual)
    yield* Console.log(
      options.json
        ? JSON.stringify({
          is_equal: isEqual,
          from: new Date(compared.range.firstMillis).toISOString(),
          to: new Date(compared.range.lastMillis).toISOString(),
          checks: compared.checks
        })
        : ComparisonText.draw(compared, {
          style: Style.forStream(process.stdout, process.env),
          columns: process.stdout.isTTY === true ? process.stdout.columns : Number.POSITIVE_INFINITY
        }).join("\n")
    )
    if (!isEqual) return yield* new NegativeAnswer({ answer: "The two differ" })
  }))).pipe(
    Command.withDescription(
      "Hold what two pollers measured against each other: how often each check was available, how fast its agent answered, " +
        "and what is in the messages. Only the time that both have seen is compared"
    ),
    Command.withExamples([
      {
        command: "serviceradar compare core:poller-1 /var/lib/serviceradar/rollout/poller-1",
        description: "What core got of a poller, beside what a shadow of it measured"
      }
    ])
  )
