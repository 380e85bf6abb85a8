/**
 * `serviceradar config diff OLD NEW`: what a poller that runs with the one file would do when it reads the other.
 *
 * Exit code 0 when that is nothing, 1 when there is something to do, 2 when a file cannot be used.
 */
import { Console, Effect, Option, Schema } from "effect"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as PollerConfig from "../../domain/poller/PollerConfig.ts"
import * as ConfigChange from "../../domain/poller/reload/ConfigChange.ts"
import * as ConfigDiff from "../../domain/poller/reload/ConfigDiff.ts"
import { NegativeAnswer } from "../../layers/command/NegativeAnswer.ts"
import * as ConfigFile from "../../layers/files/ConfigFile.ts"
import * as Style from "../../layers/terminal/Style.ts"
import * as TextTable from "../../layers/terminal/TextTable.ts"
import * as ConfigKind from "./ConfigKind.ts"

export class NoReloadPlan extends Schema.TaggedError<NoReloadPlan>()("NoReloadPlan", {
  path: Schema.String,
  kind: Schema.String
}) {
  override get message(): string {
    return `${this.path} is a configuration of: ${this.kind}; config diff compares those of pollers`
  }
}

const load = Effect.fnUntraced(function*(path: string) {
  const kind = yield* ConfigKind.detect(path)
  if (Option.isSome(kind) && kind.value !== "poller") return yield* new NoReloadPlan({ path, kind: kind.value })
  const { value } = yield* ConfigFile.load(PollerConfig.PollerConfigFile, path, PollerConfig.decodeOptions)
  return PollerConfig.fromFile(value)
})

interface Row extends ConfigChange.Described {
  readonly change: ConfigChange.ConfigChange["_tag"]
}

const columns: ReadonlyArray<TextTable.Column<Row>> = [
  { title: "CHANGE", text: ({ change }) => change, columnsMax: 24 },
  { title: "KEY", text: ({ key }) => key, columnsMax: 60 },
  { title: "FROM", text: ({ from }) => from, columnsMax: 40 },
  { title: "TO", text: ({ to }) => to, columnsMax: 40 },
  { title: "WHO NOTICES", text: ({ reach }) => reach, columnsMax: 80 }
]

const lineMax = 260

const print = (rows: ReadonlyArray<Row>): string =>
  rows.length === 0
    ? "nothing is different for a poller that runs"
    : TextTable.draw(columns, rows, { style: Style.plain, columns: lineMax }).join("\n")

export const diff = Command.make("diff", {
  old: Argument.String("old").pipe(Argument.withDescription("The file that a poller runs with")),
  next: Argument.String("new").pipe(Argument.withDescription("The file that it is to read instead")),
  json: Flag.Boolean("json").pipe(Flag.withDefault(false), Flag.withDescription("Print JSON"))
}, ({ json, next, old }) =>
  Effect.gen(function*() {
    const changes = ConfigDiff.between(yield* load(old), yield* load(next))
    const rows = changes.map((change): Row => ({ change: change._tag, ...ConfigChange.describe(change) }))
    const needsRestart = changes.some(({ _tag }) => _tag === "RestartNeeded")
    yield* Console.log(
      json ? JSON.stringify({ old, new: next, changes: rows, needs_restart: needsRestart }, null, 2) : print(rows)
    )
    if (rows.length > 0) return yield* new NegativeAnswer({ answer: `${rows.length} changes` })
  })).pipe(
    Command.withDescription(
      "What a running poller would do when it reads another configuration; exit code 0 when that is nothing, 1 otherwise"
    ),
    Command.withExamples([
      {
        command: "serviceradar config diff /etc/serviceradar/poller.json poller.new.json",
        description: "Before the new file takes the old one's place"
      }
    ])
  )
