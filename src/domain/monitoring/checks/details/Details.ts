/**
 * The `details` of a check: a plain text with the target alone, or a JSON object with keys beside it.
 *
 * A kind of check declares its keys as a schema, each with a sentence on what it is for. From the schema comes the parser,
 * what may be shown of a target that is refused, and the page that documents it (`docs/checks.md`). Unknown keys are
 * refused rather than dropped, because a misspelt expectation would otherwise never be checked.
 */
import { Duration, Effect, Result, Schema, SchemaIssue } from "effect"
import * as GoDuration from "../../../config/GoDuration.ts"
import * as SecretText from "../../../config/SecretText.ts"
import { InvalidTarget } from "../ProbeTarget.ts"

/** What may be shown of the value of a key when it is refused; nothing unless told. */
type Showing = "whole" | "withoutCredentials"

interface KeyNotes {
  readonly shows?: Showing
}

/** A key that may be absent. */
export const optional = <S extends Schema.Top>(schema: S, about: string, { shows }: KeyNotes = {}) =>
  Schema.optionalKey(schema).annotateKey({ description: about, shows })

export const required = <S extends Schema.Top>(schema: S, about: string, { shows }: KeyNotes = {}) =>
  schema.annotateKey({ description: about, shows })

/** A key with a value that it has when it is absent. */
export const orElse = <S extends Schema.Top>(schema: S, value: S["Type"], about: string, { shows }: KeyNotes = {}) =>
  schema.pipe(Schema.withDecodingDefaultTypeKey(Effect.succeed(value))).annotateKey({
    description: about,
    default: value,
    shows
  })

/** How long the whole check may take. A poller waits 30 s unless its entry says otherwise. */
export const timeout = (value: Duration.Input) =>
  orElse(GoDuration.GoDuration, Duration.fromInputUnsafe(value), "how long the whole check may take", {
    shows: "whole"
  })

/** A regular expression in JavaScript's syntax. */
export const Pattern = Schema.String.check(
  Schema.makeFilter((text: string) =>
    Result.isSuccess(Result.try(() => new RegExp(text))) ? undefined : "expected a regular expression"
  )
)

export interface Format<A> {
  readonly serviceType: string
  readonly schema: Schema.Codec<A, unknown> & { readonly ast: Schema.Top["ast"] }
  /** What a text that is no JSON object stands for: the object that it is short for, or why it is none. */
  readonly bare: (text: string) => Result.Result<object, string>
  /** In words, such as `host:port`; empty where there is none. */
  readonly bareForm: string
}

interface Key {
  readonly name: string
  readonly about: string
  readonly isRequired: boolean
  readonly default: unknown
  readonly shows: unknown
}

/** The keys of the object, in the order of the schema. */
export const keysOf = (schema: { readonly ast: Schema.Top["ast"] }): ReadonlyArray<Key> => {
  if (schema.ast._tag !== "Objects") return []
  return schema.ast.propertySignatures.map(({ name, type }) => {
    const notes = type.context?.annotations
    return {
      name: String(name),
      about: String(notes?.["description"] ?? ""),
      isRequired: type.context?.isOptional !== true && notes?.["default"] === undefined,
      default: notes?.["default"],
      shows: notes?.["shows"]
    }
  })
}

/** A name, a type and perhaps a word too many at a server, as `dig` takes them: what stands before the sign is no password. */
const question = /^[\w.-]+(?:\s+\w+){0,3}\s+@[^@\s]+$/

/** A URL without user name, password and parameters that are secrets, for everybody to read. */
export const withoutCredentials = (text: string): string => {
  if (question.test(text)) return text
  const url = URL.canParse(text) ? new URL(text) : undefined
  // Left as it was written when there is nothing to hide.
  if (url === undefined || (url.username === "" && url.password === "")) return SecretText.inAddress(text)
  url.username = ""
  url.password = ""
  return SecretText.inAddress(url.href)
}

const parseJson = (text: string): Result.Result<unknown, string> =>
  Result.try({ try: (): unknown => JSON.parse(text), catch: () => "it is no JSON" })

const objectIn = (text: string): object | undefined => {
  const parsed = Result.getOrUndefined(parseJson(text))
  return typeof parsed === "object" && parsed !== null ? parsed : undefined
}

/** What an operator needs to know it again or find a mistake in it, without what may be secret. */
export const presentable = ({ schema }: { readonly schema: Pick<Schema.Top, "ast"> }, text: string): string => {
  if (!text.startsWith("{")) return withoutCredentials(text)
  const object = objectIn(text)
  if (object === undefined) return `{… ${text.length} characters that are no JSON object`
  const shows = new Map(keysOf(schema).map((key) => [key.name, key.shows]))
  const shown = Object.entries(object).map(([key, value]: [string, unknown]) => {
    const showing = shows.get(key)
    if (showing === "whole") return [key, value]
    return [key, showing === "withoutCredentials" && typeof value === "string" ? withoutCredentials(value) : "…"]
  })
  return JSON.stringify(Object.fromEntries(shown))
}

/** Where it is wrong and what was expected there; what was given may be a secret. */
const problemsOf = ({ issue }: Schema.SchemaError): string =>
  SchemaIssue.makeFormatterStandardSchemaV1()(issue).issues.map(({ message, path = [] }) => {
    const key = path.map((part) => String(typeof part === "object" ? part.key : part)).join(".")
    const expectation = message.replace(/, got .*$/s, "").replace(
      /^(?:Unexpected key with value .*|Expected no excess property)$/s,
      "no such key"
    )
    return key === "" ? expectation : `${key}: ${expectation}`
  }).join("; ")

/** What would have been accepted: the plain form, and the keys of the object. */
const expectedOf = <A>({ bareForm, schema }: Format<A>): string => {
  const keys = keysOf(schema)
  const names = (isRequired: boolean) => keys.filter((key) => key.isRequired === isRequired).map(({ name }) => name)
  const [needed, others] = [names(true), names(false)]
  const object = [
    needed.length === 0 ? "" : ` with ${needed.join(", ")}`,
    others.length === 0 ? "" : `${needed.length === 0 ? " with" : " and"} optionally ${others.join(", ")}`
  ].join("")
  return `${bareForm === "" ? "" : `${bareForm}, or `}a JSON object${object}`
}

/** Reads the `details` of a check. */
export const parse = <A>(format: Format<A>): (details: string) => Result.Result<A, InvalidTarget> => {
  const decode = Schema.decodeUnknownResult(format.schema, { onExcessProperty: "error", errors: "all" })
  return (details) => {
    const text = details.trim()
    const document: Result.Result<unknown, string> = text.startsWith("{") ? parseJson(text) : format.bare(text)
    return document.pipe(
      Result.flatMap((value) => Result.mapError(decode(value), problemsOf)),
      Result.mapError((problems) =>
        new InvalidTarget({
          serviceType: format.serviceType,
          target: presentable(format, text),
          expected: `${expectedOf(format)} (${problems})`
        })
      )
    )
  }
}
