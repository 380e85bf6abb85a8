import { defineConfig } from "vitest/config"

/** Tests that start whole programs run after the others and one file at a time: they measure how fast parts return. */
const processes = ["test/e2e/**/*.test.ts", "test/faults/**/*.test.ts"]

export default defineConfig({
  test: {
    globalSetup: ["test/support/globalSetup.ts"],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    projects: [
      {
        extends: true,
        test: {
          name: "in process",
          include: ["test/**/*.test.ts"],
          exclude: processes,
          sequence: { groupOrder: 0 }
        }
      },
      {
        extends: true,
        test: {
          name: "processes",
          include: processes,
          fileParallelism: false,
          testTimeout: 120_000,
          sequence: { groupOrder: 1 }
        }
      }
    ]
  }
})
