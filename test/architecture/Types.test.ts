import { assert, describe, it } from "@effect/vitest"
import * as path from "node:path"
import { readSources } from "./SourceTree.ts"
import { holes } from "./Types.ts"

const root = path.resolve(import.meta.dirname, "../..")

describe("The types", () => {
  it("have no hole but marked boundary casts", () => {
    const files = readSources(root, "src").filter((file) => !file.path.startsWith("src/gen/"))

    assert.isAbove(files.length, 5)
    assert.deepStrictEqual(holes(files), [])
  })

  it.each([
    "const a = b as string",
    "const a = b as unknown as string",
    "const a: any = b",
    "const a = b!.c",
    "// boundary:\nconst a = b as string",
    "export function a(b: 1): 2\nexport function a(b: unknown): unknown {\n  return b\n}",
    "class A {\n  a(b: 1): 2\n  a(b: unknown): unknown {\n    return b\n  }\n}"
  ])("show a planted hole: %s", (text) => {
    assert.isNotEmpty(holes([{ path: "src/domain/A.ts", text }]))
  })

  it.each([
    "const a = [1, 2] as const",
    "import { a as b } from \"effect\"",
    "const text = \"known as any\" // as any",
    "export function a(b: 1): 2 {\n  return 2\n}",
    "export function a(b: 1): 2\n// boundary: both say the same\nexport function a(b: unknown): unknown {\n  return b\n}",
    "// boundary: grpc-js hands over the decoded message untyped\nconst a = b as string"
  ])("allow %s", (text) => {
    assert.deepStrictEqual(holes([{ path: "src/domain/A.ts", text }]), [])
  })
})
