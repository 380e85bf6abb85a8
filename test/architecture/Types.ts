/**
 * The rule about holes in the types: no `any`, no `!`, and no cast but those that say why they stand. The body of an
 * overloaded function is a cast too: its type may be wider than what its overloads promise.
 *
 * A cast is marked by a comment `// boundary: why` on the line above it or on its own line; `as const` is no cast.
 */
import { linesWhere, type SourceFile } from "./SourceTree.ts"

const isCast = (node: { readonly type: string }): boolean =>
  (node.type === "TSAsExpression" && !isConst(node)) || node.type === "TSTypeAssertion"

const isConst = (node: object): boolean =>
  "typeAnnotation" in node && JSON.stringify(node.typeAnnotation).includes(`"name":"const"`)

const nameOf = (node: object, key: string): string | undefined => {
  const named: unknown = Reflect.get(node, key)
  const name: unknown = typeof named === "object" && named !== null ? Reflect.get(named, "name") : undefined
  return typeof name === "string" ? name : undefined
}

const bodyOf = (node: object): string | undefined => {
  const value: unknown = Reflect.get(node, "value")
  const type: unknown = typeof value === "object" && value !== null ? Reflect.get(value, "type") : undefined
  return typeof type === "string" ? type : undefined
}

/** The name that a declaration without a body gives to a function or method: one of its overloads. */
const overloadOf = (node: { readonly type: string }): string | undefined => {
  if (node.type === "TSDeclareFunction") return nameOf(node, "id")
  return node.type === "MethodDefinition" && bodyOf(node) === "TSEmptyBodyFunctionExpression"
    ? nameOf(node, "key")
    : undefined
}

/** The compiler compares the body of an overloaded function only loosely with what its overloads promise: a cast. */
const widenings = (file: SourceFile): ReadonlyArray<number> => {
  const overloaded = new Set<string>()
  linesWhere(file, (node) => {
    const name = overloadOf(node)
    if (name !== undefined) overloaded.add(name)
    return false
  })
  return linesWhere(file, (node) => {
    const name = node.type === "FunctionDeclaration"
      ? nameOf(node, "id")
      : node.type === "MethodDefinition" && bodyOf(node) === "FunctionExpression"
      ? nameOf(node, "key")
      : undefined
    return name !== undefined && overloaded.has(name)
  })
}

const marker = /\/\/ boundary: \S/

/** One line for each cast and each overloaded body without a reason, `any` and non-null assertion. */
export const holes = (files: ReadonlyArray<SourceFile>): ReadonlyArray<string> =>
  files.flatMap((file) => {
    const lines = file.text.split("\n")
    const isMarked = (line: number) => marker.test(lines[line - 1] ?? "") || marker.test(lines[line - 2] ?? "")
    return [
      ...linesWhere(file, isCast).filter((line) => !isMarked(line)).map((line) =>
        `${file.path}:${line}: unmarked cast`
      ),
      ...widenings(file).filter((line) => !isMarked(line)).map((line) => `${file.path}:${line}: unmarked overload`),
      ...linesWhere(file, (node) => node.type === "TSAnyKeyword").filter((line) => !isMarked(line)).map((line) =>
        `${file.path}:${line}: any`
      ),
      ...linesWhere(file, (node) => node.type === "TSNonNullExpression").map((line) =>
        `${file.path}:${line}: non-null assertion`
      )
    ]
  })
