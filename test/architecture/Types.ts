/**
 * The rule about holes in the types: no `any`, no `!`, and no cast but those that say why they stand.
 *
 * A cast is marked by a comment `// boundary: why` on the line above it or on its own line; `as const` is no cast.
 */
import { linesWhere, type SourceFile } from "./SourceTree.ts"

const isCast = (node: { readonly type: string }): boolean =>
  (node.type === "TSAsExpression" && !isConst(node)) || node.type === "TSTypeAssertion"

const isConst = (node: object): boolean =>
  "typeAnnotation" in node && JSON.stringify(node.typeAnnotation).includes(`"name":"const"`)

const marker = /\/\/ boundary: \S/

/** One line for each cast without a reason, `any` and non-null assertion. */
export const holes = (files: ReadonlyArray<SourceFile>): ReadonlyArray<string> =>
  files.flatMap((file) => {
    const lines = file.text.split("\n")
    const isMarked = (line: number) => marker.test(lines[line - 1] ?? "") || marker.test(lines[line - 2] ?? "")
    return [
      ...linesWhere(file, isCast).filter((line) => !isMarked(line)).map((line) =>
        `${file.path}:${line}: unmarked cast`
      ),
      ...linesWhere(file, (node) => node.type === "TSAnyKeyword").filter((line) => !isMarked(line)).map((line) =>
        `${file.path}:${line}: any`
      ),
      ...linesWhere(file, (node) => node.type === "TSNonNullExpression").map((line) =>
        `${file.path}:${line}: non-null assertion`
      )
    ]
  })
