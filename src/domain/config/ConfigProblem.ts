/**
 * What is wrong with one key of a configuration text, in an operator's words.
 *
 * Values that look like secrets are never repeated, because these problems end up in logs and tickets.
 */
import { Schema, SchemaIssue } from "effect"
import type * as JsonText from "./JsonText.ts"
import * as PrintableText from "./PrintableText.ts"
import * as SecretText from "./SecretText.ts"

/** One thing an operator has to correct. */
export const ConfigProblem = Schema.Struct({
  /** Where in the document: `agents.edge-1.checks[0].service_name`; empty for the document itself. */
  key: Schema.String,
  line: Schema.Int,
  column: Schema.Int,
  /** The value as written, shortened; `missing` when there is none. */
  value: Schema.String,
  expectation: Schema.String
})
export type ConfigProblem = typeof ConfigProblem.Type

/** The value of a key that is not there. */
export const missing = "missing"

export type Path = ReadonlyArray<PropertyKey>

/** As JSON writes it. */
export const quoted = (text: string): string => PrintableText.json(text)

const identifier = /^[\w-]+$/

/** `agents.edge-1.checks[0].service_name`; keys that are no identifiers are quoted in brackets. */
export const formatPath = (path: Path): string =>
  path.map((part, index) => {
    if (typeof part === "number") return `[${part}]`
    const text = String(part)
    if (!identifier.test(text)) return `[${quoted(text)}]`
    return index === 0 ? text : `.${text}`
  }).join("")

/** Every problem of a Schema issue, each with the place in the text it is about. */
export const located = (
  issue: SchemaIssue.Issue,
  root: JsonText.JsonNode
): ReadonlyArray<{ readonly problem: ConfigProblem; readonly path: Path }> => {
  const { issues } = SchemaIssue.makeFormatterStandardSchemaV1()(issue)
  const problems = issues.map(({ message, path = [] }) => {
    const keys = path.map((part) => typeof part === "object" ? part.key : part)
    const found = locate(root, keys)
    const problem: ConfigProblem = {
      ...found.at,
      key: formatPath(keys),
      value: found.node === undefined ? missing : show(found.node, keys),
      expectation: message === "Missing key" ? "a value" : message.replace(/^Expected /, "").replace(/, got .*$/s, "")
    }
    return { problem, path: keys }
  })
  return merged(problems)
}

/** A union reports one issue for each member; for the operator that is one problem with alternatives. */
const merged = <Located extends { readonly problem: ConfigProblem; readonly path: Path }>(
  all: ReadonlyArray<Located>
): ReadonlyArray<Located> => {
  const byKey = new Map<string, Located>()
  for (const one of all) {
    const { expectation, key } = one.problem
    const before = byKey.get(key)
    if (before === undefined) byKey.set(key, one)
    else if (!before.problem.expectation.split(" or ").includes(expectation)) {
      const problem = { ...before.problem, expectation: `${before.problem.expectation} or ${expectation}` }
      byKey.set(key, { ...before, problem })
    }
  }
  return [...byKey.values()]
}

/** None for a path that leads nowhere. */
export const nodeAt = (root: JsonText.JsonNode, path: Path): JsonText.JsonNode | undefined => locate(root, path).node

/** The node at a path and where it stands; for a missing key, where its nearest existing owner stands. */
const locate = (
  root: JsonText.JsonNode,
  path: Path
): { readonly at: JsonText.Position; readonly node: JsonText.JsonNode | undefined } => {
  let node: JsonText.JsonNode | undefined = root
  let at = root.at
  for (const part of path) {
    const child: JsonText.JsonNode | undefined = node === undefined ? undefined : childAt(node, part)
    if (child !== undefined) at = child.at
    node = child
  }
  return { at, node }
}

const childAt = (node: JsonText.JsonNode, part: PropertyKey): JsonText.JsonNode | undefined => {
  if (node._tag === "Array") return typeof part === "number" ? node.items[part] : undefined
  if (node._tag === "Scalar") return undefined
  const key = String(part)
  const exact = node.entries.findLast((entry) => entry.key === key)
  return (exact ?? node.entries.findLast((entry) => entry.key.toLowerCase() === key.toLowerCase()))?.node
}

const shownLengthMax = 80

const show = (node: JsonText.JsonNode, path: Path): string => {
  if (node._tag === "Array") return `an array of ${node.items.length}`
  if (node._tag === "Object") return `an object of ${node.entries.length}`
  const written = typeof node.value === "string" ? node.value : node.written ?? JSON.stringify(node.value)
  const harmless = SecretText.shown(written, path.filter((part) => typeof part !== "number").map(String))
  if (harmless === SecretText.redacted) return harmless
  const text = typeof node.value === "string" ? quoted(harmless) : harmless
  return text.length <= shownLengthMax ? text : `${text.slice(0, shownLengthMax)}…`
}
