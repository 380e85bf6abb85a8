/**
 * Reads the project's sources as syntax trees, for the rules that no linter knows.
 */
import * as fs from "node:fs"
import * as path from "node:path"
import { parseSync } from "oxc-parser"

export interface SourceFile {
  /** Relative to the folder that was read, with `/`. */
  readonly path: string
  readonly text: string
}

export const readSources = (root: string, folder: string): ReadonlyArray<SourceFile> =>
  fs.readdirSync(path.join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => path.posix.join(folder, name.split(path.sep).join("/")))
    .toSorted()
    .map((name) => ({ path: name, text: fs.readFileSync(path.join(root, name), "utf8") }))

/** Every module that the file names in an import, export-from or `import()` with a literal. */
export const importsOf = (file: SourceFile): ReadonlyArray<string> => {
  const parsed = parseSync(file.path, file.text)
  const dynamic = parsed.module.dynamicImports
    .map((found) => file.text.slice(found.moduleRequest.start, found.moduleRequest.end))
    .filter((text) => /^["'].*["']$/.test(text))
    .map((text) => text.slice(1, -1))
  const reexports = parsed.module.staticExports.flatMap((found) =>
    found.entries.flatMap((entry) => entry.moduleRequest ? [entry.moduleRequest.value] : [])
  )
  return [...parsed.module.staticImports.map((found) => found.moduleRequest.value), ...reexports, ...dynamic]
}

interface Node {
  readonly type: string
  readonly start: number
}

const isNode = (value: unknown): value is Node =>
  typeof value === "object" && value !== null && "type" in value && typeof value.type === "string"

const visit = (value: unknown, onNode: (node: Node) => void): void => {
  if (Array.isArray(value)) {
    for (const item of value) visit(item, onNode)
  } else if (isNode(value)) {
    onNode(value)
    for (const child of Object.values(value)) visit(child, onNode)
  }
}

/** 1-based lines of nodes for which `matches` holds. */
export const linesWhere = (file: SourceFile, matches: (node: Node) => boolean): ReadonlyArray<number> => {
  const lines: Array<number> = []
  visit(parseSync(file.path, file.text).program, (node) => {
    if (matches(node)) lines.push(file.text.slice(0, node.start).split("\n").length)
  })
  return lines
}
