/**
 * `serviceradar config check FILE`: everything that is wrong with a configuration file, before a program is started.
 *
 * Exit code 0 when a program would start with it, 1 when not. Unknown keys are warnings, because the Go services accept
 * them. A file that cannot be read is no answer but an error: exit code 2.
 */
import { Console, Effect, Option } from "effect"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as AgentConfig from "../../domain/agent/AgentConfig.ts"
import * as CoreConfig from "../../domain/core/CoreConfig.ts"
import * as EventWriterConfig from "../../domain/events/settings/EventWriterConfig.ts"
import * as LoggingConfig from "../../domain/monitoring/LoggingConfig.ts"
import * as PollerConfig from "../../domain/poller/PollerConfig.ts"
import * as SyncConfig from "../../domain/sync/SyncConfig.ts"
import { SyncConfigFile } from "../../domain/sync/SyncConfigFile.ts"
import * as SyncConfigWarnings from "../../domain/sync/SyncConfigWarnings.ts"
import * as CheckerFiles from "../../layers/agent/CheckerFiles.ts"
import { NegativeAnswer } from "../../layers/command/NegativeAnswer.ts"
import * as ConfigFile from "../../layers/files/ConfigFile.ts"
import * as SourceTable from "../../layers/sync/SourceTable.ts"
import { diff } from "./ConfigDiffCommand.ts"
import * as ConfigKind from "./ConfigKind.ts"

interface Finding {
  readonly key: string
  readonly line: number
  readonly column: number
  readonly value?: string
  readonly expectation: string
}

interface Report {
  readonly file: string
  readonly kind: ConfigKind.ConfigKind | "unknown"
  readonly errors: ReadonlyArray<Finding>
  readonly warnings: ReadonlyArray<Finding>
  /** What an operator should know although nothing is wrong with the file. */
  readonly notices: ReadonlyArray<string>
}

/** Nobody can say that a file is valid for a program that is not known. */
const unknown = (file: string): Report => ({
  file,
  kind: "unknown",
  errors: [{
    key: "",
    line: 1,
    column: 1,
    value: "the file of no known program",
    expectation: `keys of ${ConfigKind.kinds.join(", ")}; say which one it is for with --kind`
  }],
  warnings: [],
  notices: []
})

/** Of a file that is valid. */
const noticesOf = Effect.fnUntraced(function*(kind: ConfigKind.ConfigKind, file: string) {
  if (kind === "poller") {
    const { value } = yield* ConfigFile.load(PollerConfig.PollerConfigFile, file, PollerConfig.decodeOptions)
    return [...LoggingConfig.notices(value.logging), ...PollerConfig.notices(value)].map(({ key, notice }) =>
      `${key}: ${notice}`
    )
  }
  if (kind === "event-writer") {
    const { value } = yield* ConfigFile.load(EventWriterConfig.EventWriterConfigFile, file)
    return EventWriterConfig.warnings(value)
  }
  if (kind === "sync") {
    const { value } = yield* ConfigFile.load(SyncConfigFile, file)
    return SyncConfigWarnings.warningsOf(SyncConfig.fromFile(value), SourceTable.knownTypes)
  }
  if (kind === "core") {
    const { value } = yield* ConfigFile.load(CoreConfig.CoreConfigFile, file)
    return CoreConfig.notices(value)
  }
  if (kind !== "agent") return []
  const { value } = yield* ConfigFile.load(AgentConfig.AgentConfigFile, file)
  return yield* CheckerFiles.notices(value.checkers_dir ?? "")
})

const ignoredKeys: Partial<Record<ConfigKind.ConfigKind, Readonly<Record<string, string>>>> = {
  core: CoreConfig.ignoredKeys
}

const errorsOf = (reason: Exclude<ConfigFile.ConfigFileError["reason"], ConfigFile.Unreadable>) =>
  reason._tag === "NotJson"
    ? [{ key: "", line: reason.line, column: reason.column, expectation: reason.expectation }]
    : reason.problems

/** What is wrong with a file is the answer; that it cannot be read is an error. */
const answered = (file: string, kind: Report["kind"]) => (error: ConfigFile.ConfigFileError) =>
  error.reason._tag === "Unreadable"
    ? Effect.fail(error)
    : Effect.succeed<Report>({ file, kind, errors: errorsOf(error.reason), warnings: [], notices: [] })

const examineKind = Effect.fnUntraced(function*(file: string, wanted: Option.Option<ConfigKind.ConfigKind>) {
  const found = Option.isSome(wanted) ? wanted : yield* ConfigKind.detect(file)
  if (Option.isNone(found)) return unknown(file)
  const kind = found.value
  const instead = ignoredKeys[kind] ?? {}
  const nothing: ReadonlyArray<Finding> = []
  const options = kind === "poller" ? PollerConfig.decodeOptions : {}
  return yield* ConfigFile.load(ConfigKind.schemas[kind], file, options).pipe(
    Effect.flatMap((found) => Effect.map(noticesOf(kind, file), (notices) => ({ ...found, notices }))),
    Effect.map(({ leftOut, notices, repeated, warnings }): Report => ({
      file,
      notices,
      kind,
      errors: nothing,
      warnings: [
        ...leftOut.map((problem) => ({ ...problem, expectation: `${problem.expectation}; this part is left out` })),
        ...repeated.map(({ before, column, key, line }) => ({
          key,
          line,
          column,
          expectation: `a key that is given once, this one is also in line ${before.line}; it counts as it is here`
        })),
        ...warnings.map(({ column, key, line, suggestion }) => ({
          key,
          line,
          column,
          expectation: Option.match(suggestion, {
            onNone: () =>
              Object.hasOwn(instead, key)
                ? `no such key, it is ignored: ${instead[key]}`
                : "a known key; this one is ignored",
            onSome: (name) => `a known key, probably ${name}; this one is ignored`
          })
        }))
      ]
    })),
    Effect.catchTag("ConfigFileError", answered(file, kind))
  )
})

/** Of a file that is no JSON nobody can say whose it is. */
const examine = (file: string, wanted: Option.Option<ConfigKind.ConfigKind>) =>
  Effect.catchTag(examineKind(file, wanted), "ConfigFileError", answered(file, "unknown"))

const line = (file: string, severity: string, finding: Finding): string => {
  const place = `${file}:${finding.line}:${finding.column}: ${severity}: `
  const { expectation, key, value } = finding
  if (value !== undefined) return `${place}${key === "" ? "the document" : key} is ${value}, expected ${expectation}`
  return `${place}${key === "" ? "not JSON" : key}: expected ${expectation}`
}

const print = ({ errors, file, kind, notices, warnings }: Report): string =>
  [
    ...kind === "unknown" ? [] : [`${file}: recognised as a configuration of: ${kind}`],
    ...errors.map((finding) => line(file, "error", finding)),
    ...warnings.map((finding) => line(file, "warning", finding)),
    ...notices.map((notice) => `${file}: warning: ${notice}`),
    errors.length === 0
      ? `${file}: a valid ${kind} configuration`
      : `${file}: no valid ${kind === "unknown" ? "" : `${kind} `}configuration`
  ].join("\n")

const check = Command.make("check", {
  file: Argument.String("file").pipe(Argument.withDescription("The JSON file to check")),
  kind: Flag.Literals("kind", ConfigKind.kinds).pipe(
    Flag.optional,
    Flag.withDescription("Which program's file it is; by default recognised by its keys")
  ),
  json: Flag.Boolean("json").pipe(Flag.withDefault(false), Flag.withDescription("Print JSON"))
}, ({ file, json, kind }) =>
  Effect.gen(function*() {
    const report = yield* examine(file, kind)
    yield* Console.log(json ? JSON.stringify(report, null, 2) : print(report))
    if (report.errors.length > 0) {
      return yield* new NegativeAnswer({ answer: `${file} has ${report.errors.length} errors` })
    }
  })).pipe(
    Command.withDescription("Check a configuration file; exit code 1 when a program would refuse it"),
    Command.withExamples([
      { command: "serviceradar config check /etc/serviceradar/poller.json", description: "What is wrong, and where" },
      { command: "serviceradar config check --kind agent my.json --json", description: "For scripts" }
    ])
  )

export const configCommand = Command.make("config").pipe(
  Command.withDescription("Work with configuration files"),
  Command.withSubcommands([check, diff])
)
