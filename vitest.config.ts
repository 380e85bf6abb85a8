import * as fs from "node:fs"
import * as path from "node:path"
import { defineConfig } from "vitest/config"

/** Git keeps no modes of files, and a key that others may read is refused. */
const certificates = path.join(import.meta.dirname, "test/fixtures/tls")
for (const name of fs.readdirSync(certificates).filter((file) => file.endsWith("-key.pem"))) {
  fs.chmodSync(path.join(certificates, name), 0o600)
}

/** They start servers or processes. */
const outside = ["test/**/*.integration.test.ts", "test/examples/**/*.test.ts"]

/** They start whole programs, one file at a time: some measure how fast parts return. */
const programs = ["test/e2e/**/*.test.ts"]

/** They kill, cut, fill and corrupt; what takes long. */
const faults = ["test/faults/**/*.test.ts", "test/**/*.fuzz.test.ts"]

/** Under small step budgets, what measures how fast many children are says nothing; the others have their own budgets. */
const measuring = process.env["STEPS_SEED"] === undefined ? [] : [
  "test/services/supervision/scenarios/Many.test.ts",
  "test/services/pipeline/PipelineSteps.test.ts",
  "test/services/supervision/testing/planted/Plants.test.ts"
]

/** One PostgreSQL for the whole run. */
const servers = { globalSetup: ["test/support/globalSetup.ts"] }

export default defineConfig({
  test: {
    testTimeout: 30_000,
    hookTimeout: 60_000,
    projects: [
      {
        extends: true,
        test: {
          name: "unit",
          include: ["test/**/*.test.ts"],
          exclude: [...outside, ...programs, ...faults, ...measuring],
          setupFiles: ["test/support/stepBudgetSetup.ts"],
          sequence: { groupOrder: 0 }
        }
      },
      {
        extends: true,
        test: { name: "integration", include: outside, sequence: { groupOrder: 1 }, ...servers }
      },
      {
        extends: true,
        test: {
          name: "programs",
          include: programs,
          fileParallelism: false,
          testTimeout: 120_000,
          sequence: { groupOrder: 2 },
          ...servers
        }
      },
      {
        extends: true,
        test: {
          name: "faults",
          include: faults,
          fileParallelism: false,
          testTimeout: 120_000,
          sequence: { groupOrder: 3 },
          ...servers
        }
      }
    ]
  }
})
