/**
 * Where a file reads the machine's clock or randomness, or asks it for a timer: what no seed of a simulated world repeats.
 */
import { linesWhere, type SourceFile } from "./SourceTree.ts"

const text = (node: unknown, key: string): string | undefined => {
  const value: unknown = typeof node === "object" && node !== null ? Reflect.get(node, key) : undefined
  return typeof value === "string" ? value : undefined
}

const child = (node: object, key: string): unknown => Reflect.get(node, key)

/** `object.property` of a member expression. */
const memberOf = (node: object): string =>
  `${text(child(node, "object"), "name")}.${text(child(node, "property"), "name")}`

const members =
  /^(?:Date\.now|performance\.(?:now|timeOrigin)|Math\.random|process\.(?:hrtime|nextTick|uptime)|AbortSignal\.timeout|(?:node)?[cC]rypto\.(?:random\w+|getRandomValues))$/
const calls = /^(?:setTimeout|setInterval|setImmediate|queueMicrotask|randomUUID|randomBytes|randomInt)$/

const isReal = (node: { readonly type: string }): boolean => {
  switch (node.type) {
    case "MemberExpression":
      return members.test(memberOf(node))
    case "CallExpression":
      return calls.test(text(child(node, "callee"), "name") ?? "")
    case "NewExpression": {
      const given = child(node, "arguments")
      return text(child(node, "callee"), "name") === "Date" && Array.isArray(given) && given.length === 0
    }
    case "ImportDeclaration":
      return /^(?:node:)?timers(?:\/promises)?$/.test(text(child(node, "source"), "value") ?? "") &&
        text(node, "importKind") !== "type"
    default:
      return false
  }
}

/** How often, by file; files without are left out. */
export const uses = (files: ReadonlyArray<SourceFile>): Readonly<Record<string, number>> =>
  Object.fromEntries(
    files.flatMap((file) => {
      const { length } = linesWhere(file, isReal)
      return length === 0 ? [] : [[file.path, length]]
    })
  )
