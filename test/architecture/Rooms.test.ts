import { assert, describe, it } from "@effect/vitest"
import * as path from "node:path"
import { violations } from "./Rooms.ts"
import { readSources } from "./SourceTree.ts"

const root = path.resolve(import.meta.dirname, "../..")

describe("The import rule between rooms", () => {
  it("holds in the whole source tree", () => {
    const files = readSources(root, "src")

    assert.isAbove(files.length, 5)
    assert.deepStrictEqual(violations(files), [])
  })

  it.each([
    ["src/domain/a/A.ts", `import { B } from "../../services/b/B.ts"`],
    ["src/domain/a/A.ts", `import * as fs from "node:fs"`],
    ["src/domain/a/A.ts", `import { HttpClient } from "effect/http"`],
    ["src/services/a/A.ts", `import { B } from "../../layers/b/B.ts"`],
    ["src/services/a/A.ts", `import * as grpc from "@grpc/grpc-js"`],
    ["src/services/a/A.ts", `export type { B } from "../../gen/b.ts"`],
    ["src/services/a/A.ts", `const b = await import("../../programs/b/B.ts")`],
    ["src/layers/a/A.ts", `import { B } from "../../programs/b/B.ts"`],
    ["src/programs/a/A.ts", `import { B } from "../../gen/b.ts"`]
  ])("finds a planted violation: %s with %s", (file, text) => {
    assert.lengthOf(violations([{ path: file, text }]), 1)
  })

  it.each([
    ["src/domain/a/A.ts", `import { Duration, Schema } from "effect"`],
    ["src/services/a/A.ts", `import { CircuitBreaker } from "effect/persistence"`],
    ["src/services/a/A.ts", `import { B } from "../../domain/b/B.ts"`],
    ["src/layers/a/A.ts", `import { B } from "../../gen/b.ts"\nimport * as grpc from "@grpc/grpc-js"`],
    ["src/programs/a/A.ts", `import { B } from "../../layers/b/B.ts"`]
  ])("allows %s with %s", (file, text) => {
    assert.deepStrictEqual(violations([{ path: file, text }]), [])
  })
})
