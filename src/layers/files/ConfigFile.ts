/**
 * Loads a JSON configuration file with a Schema.
 *
 * A file that cannot be used is reported with everything that is wrong with it, so that an operator corrects it once.
 * The error carries the parts (`serviceradar config check --json` prints them); its message is ready for a terminal.
 */
import { Effect, type FileSystem, Option, Result, Schema } from "effect"
import * as ConfigDocument from "../../domain/config/ConfigDocument.ts"
import * as ConfigOverlay from "../../domain/config/ConfigOverlay.ts"
import { ConfigProblem } from "../../domain/config/ConfigProblem.ts"
import * as JsonText from "../../domain/config/JsonText.ts"
import * as WholeFile from "./WholeFile.ts"

/** Of a poller of ten thousand agents with a thousand checks each, about. */
const bytesMax = 2 ** 30

/** The file is absent, a folder, or not readable by this user. */
export class Unreadable extends Schema.TaggedError<Unreadable>()("Unreadable", { detail: Schema.String }) {}

export class NotJson extends Schema.TaggedError<NotJson>()("NotJson", {
  line: Schema.Int,
  column: Schema.Int,
  expectation: Schema.String
}) {}

export class Invalid extends Schema.TaggedError<Invalid>()("Invalid", {
  problems: Schema.Array(ConfigProblem)
}) {}

/** The file is valid, and what lies over it makes it another one that is not. */
export class InvalidOverlay extends Schema.TaggedError<InvalidOverlay>()("InvalidOverlay", {
  over: Schema.String,
  problems: Schema.Array(ConfigProblem)
}) {}

export class ConfigFileError extends Schema.TaggedError<ConfigFileError>()("ConfigFileError", {
  path: Schema.String,
  reason: Schema.Union([Unreadable, NotJson, Invalid, InvalidOverlay])
}) {
  override get message(): string {
    const { path, reason } = this
    switch (reason._tag) {
      case "Unreadable":
        return `${path}: cannot be read: ${reason.detail}`
      case "NotJson":
        return `${path}:${reason.line}:${reason.column}: not JSON: expected ${reason.expectation}`
      case "Invalid":
        return reason.problems.map(({ column, expectation, key, line, value }) =>
          `${path}:${line}:${column}: ${key === "" ? "the document" : key} is ${value}, expected ${expectation}`
        ).join("\n")
      case "InvalidOverlay":
        return reason.problems.map(({ expectation, key, value }) =>
          `${path} with ${reason.over} over it: ${
            key === "" ? "the document" : key
          } is ${value}, expected ${expectation}`
        ).join("\n")
    }
  }
}

/** One line per unknown key, for the log; `instead` has what to use in place of keys of the existing services. */
export const formatWarning = (
  path: string,
  warning: ConfigDocument.UnknownKey,
  instead: Readonly<Record<string, string>> = {}
): string => {
  const other = Object.hasOwn(instead, warning.key) ? instead[warning.key] : undefined
  if (other !== undefined) return `${path}:${warning.line}:${warning.column}: key ${warning.key} is ignored: ${other}`
  const hint = Option.match(warning.suggestion, { onNone: () => "", onSome: (name) => `; did you mean ${name}?` })
  return `${path}:${warning.line}:${warning.column}: unknown key ${warning.key} is ignored${hint}`
}

/** One line for each key that counts where it stands last, and for each problem of a part that is left out. */
export const formatNotes = (
  path: string,
  { leftOut, repeated }: Pick<ConfigDocument.Decoded<unknown>, "leftOut" | "repeated">
): ReadonlyArray<string> => [
  ...repeated.map(({ before, column, key, line }) =>
    `${path}:${line}:${column}: ${key} is given a second time, and counts as it is here; it is also in line ${before.line}`
  ),
  ...leftOut.map(({ column, expectation, key, line, value }) =>
    `${path}:${line}:${column}: ${key} is ${value}, expected ${expectation}: this part is left out`
  )
]

const read = (path: string): Effect.Effect<string, ConfigFileError, FileSystem.FileSystem> =>
  Effect.mapError(
    WholeFile.read(path, bytesMax),
    ({ detail }) => new ConfigFileError({ path, reason: new Unreadable({ detail }) })
  )

const notJson = ({ at, expectation }: JsonText.JsonSyntaxProblem) => new NotJson({ ...at, expectation })

/** The keys at the top of the file as they are spelled there; none of what is JSON but no object. */
export const keysOf = Effect.fn("ConfigFile.keysOf")(function*(
  path: string
): Effect.fn.Return<ReadonlyArray<string>, ConfigFileError, FileSystem.FileSystem> {
  const document = yield* Effect.fromResult(
    Result.mapError(
      JsonText.parse(yield* read(path)),
      (problem) => new ConfigFileError({ path, reason: notJson(problem) })
    )
  )
  return document._tag === "Object" ? document.entries.map(({ key }) => key) : []
})

/** Decodes the file; unknown keys come back as warnings and are dropped from the value. */
export const load = Effect.fn("ConfigFile.load")(function*<S extends Schema.Decoder<unknown>>(
  schema: S,
  path: string,
  options: ConfigDocument.DecodeOptions = {}
): Effect.fn.Return<ConfigDocument.Decoded<S["Type"]>, ConfigFileError, FileSystem.FileSystem> {
  const text = yield* read(path)
  return yield* Effect.fromResult(
    Result.mapError(ConfigDocument.decode(schema, text, options), (failure) =>
      new ConfigFileError({
        path,
        reason: failure._tag === "NotJson"
          ? notJson(failure.problem)
          : new Invalid({ problems: failure.problems })
      }))
  )
})

/** A document that lies over a file. */
export interface Overlay {
  /** As an operator finds it. */
  readonly name: string
  readonly text: string
}

/** As `load`, with documents over the file: the last counts most. What is wrong with the file itself is told first. */
export const loadWith = Effect.fn("ConfigFile.loadWith")(function*<S extends Schema.Decoder<unknown>>(
  schema: S,
  path: string,
  overlays: ReadonlyArray<Overlay>,
  options: ConfigDocument.DecodeOptions = {}
): Effect.fn.Return<ConfigDocument.Decoded<S["Type"]>, ConfigFileError, FileSystem.FileSystem> {
  const alone = yield* load(schema, path, options)
  if (overlays.length === 0) return alone
  const failed = (reason: ConfigFileError["reason"], where = path) => new ConfigFileError({ path: where, reason })
  let node = yield* Effect.fromResult(
    Result.mapError(JsonText.parse(yield* read(path)), (problem) => failed(notJson(problem)))
  )
  for (const { name, text } of overlays) {
    const upper = yield* Effect.fromResult(
      Result.mapError(JsonText.parse(text), (problem) => failed(notJson(problem), name))
    )
    node = ConfigOverlay.over(node, upper)
  }
  const over = overlays.map(({ name }) => name).join(", ")
  return yield* Effect.fromResult(
    Result.mapError(
      ConfigDocument.decodeNode(schema, node, options),
      ({ problems }) => failed(new InvalidOverlay({ over, problems }))
    )
  )
})
