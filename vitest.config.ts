import * as fs from "node:fs"
import { availableParallelism } from "node:os"
import * as path from "node:path"
import { defineConfig } from "vitest/config"
import { BaseSequencer, type TestSpecification } from "vitest/node"

/** Git keeps no modes of files, and a key that others may read is refused. */
const certificates = path.join(import.meta.dirname, "test/fixtures/tls")
for (const name of fs.readdirSync(certificates).filter((file) => file.endsWith("-key.pem"))) {
  fs.chmodSync(path.join(certificates, name), 0o600)
}

/** They start servers or processes. */
const outside = ["test/**/*.integration.test.ts", "test/examples/**/*.test.ts"]

/** They start whole programs. */
const programs = ["test/e2e/**/*.test.ts"]

/** They start `up`, which wants the same ports each time: one at a time. */
const ups = ["test/e2e/up*.e2e.test.ts"]

/** They kill, cut, fill and corrupt; what takes long. */
const faults = ["test/faults/**/*.test.ts", "test/**/*.fuzz.test.ts"]

/** They measure how long or how much something takes, or start `up`: one file at a time. */
const alone = [
  "test/faults/abuse/**/*.test.ts",
  "test/faults/ElementBombs.test.ts",
  "test/faults/HungServers.test.ts",
  "test/faults/PollerFleet.test.ts",
  "test/faults/PollerRecovery.test.ts",
  "test/faults/PollerReload.test.ts",
  "test/faults/PollerReplacement.test.ts",
  "test/faults/CoreRecovery.test.ts",
  "test/faults/QueryAbuse.test.ts",
  "test/faults/SlowSenders.test.ts",
  "test/faults/WholeChain.test.ts",
  "test/faults/HeartbeatPause.test.ts",
  "test/faults/rotation/**/*.test.ts",
  "test/faults/Signals.test.ts",
  "test/faults/disk/ReadOnlyDisk.test.ts",
  "test/services/supervision/scenarios/Many.test.ts"
]

const isUnderSteps = process.env["STEPS_SEED"] !== undefined

/** Under small step budgets each test has one of its own; this has its own. */
const budgeted = isUnderSteps ? ["test/services/pipeline/PipelineSteps.test.ts"] : []

/**
 * Most of them wait more than they compute; vitest's own number, a processor less than there are, is one on two. Under step
 * budgets some wait for real time again and again.
 */
const maxWorkers = Math.max(2, availableParallelism() - 1) + (isUnderSteps ? 1 : 0)

/** Modules are loaded once for each worker: Effect anew for each file took a third of the time. Processes, as some measure theirs. */
const shared = { pool: "forks", isolate: false } as const

/** One PostgreSQL for the whole run. */
const servers = { globalSetup: ["test/support/globalSetup.ts"] }

/** Without results of an earlier run vitest goes by sizes, which say little: what takes longest would often be started last. */
const longest = [
  // unit
  "programs/poller/PollerFleet",
  "services/supervision/model/SupervisorShell",
  "services/supervision/model/SupervisorShellAgain",
  "services/supervision/scenarios/Nesting",
  "services/supervision/testing/planted/Plants",
  "services/simulation/World",
  // integration
  "layers/probes/modules/CheckerModules",
  "layers/events/jetstream/JetStreamEventSource",
  "programs/poller/ExistingCore",
  // programs
  "e2e/event-writer",
  "e2e/agentPrograms",
  "e2e/sync",
  "e2e/pollerRollout",
  "e2e/core",
  "e2e/pollerReload",
  "e2e/dlq",
  "e2e/spiffe",
  // faults
  "faults/SyncFaults",
  "faults/EventWriterCrashPoints",
  "faults/CoreDatabaseStates",
  "faults/PlantedSecrets",
  "faults/WebhookKills",
  "faults/EventWriterKills",
  "faults/SyncKills",
  "faults/disk/FullDiskOfUp",
  "faults/Simulation"
]

const rank = ({ moduleId }: TestSpecification): number => {
  const name = moduleId.replace(/^.*?\/test\//, "").replace(/(\.e2e|\.integration|\.fuzz)?\.test\.ts$/, "")
  const index = longest.indexOf(name)
  return index < 0 ? longest.length : index
}

class LongestFirst extends BaseSequencer {
  override async sort(files: Array<TestSpecification>): Promise<Array<TestSpecification>> {
    const sorted = await super.sort(files)
    const order = ({ project }: TestSpecification) => sorted.findIndex((file) => file.project === project)
    return sorted.toSorted((a, b) => order(a) - order(b) || rank(a) - rank(b))
  }
}

export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    testTimeout: 30_000,
    hookTimeout: 120_000,
    projects: [
      {
        extends: true,
        test: {
          name: "unit",
          include: ["test/**/*.test.ts"],
          exclude: [...outside, ...programs, ...faults, ...alone, ...budgeted],
          setupFiles: ["test/support/stepBudgetSetup.ts"],
          ...shared,
          // Some wait for real time.
          maxWorkers: maxWorkers + 1,
          sequence: { groupOrder: 0 }
        }
      },
      {
        extends: true,
        test: {
          name: "integration",
          include: outside,
          maxWorkers,
          // Deadlines of what is waited for, which cost nothing where all goes well, are shorter than that.
          testTimeout: 60_000,
          sequence: { groupOrder: 1 },
          ...shared,
          ...servers
        }
      },
      {
        extends: true,
        test: {
          name: "programs",
          include: programs,
          exclude: ups,
          maxWorkers,
          testTimeout: 120_000,
          // The same group: no worker waits for the last file of the other project.
          sequence: { groupOrder: 1 },
          ...servers
        }
      },
      {
        extends: true,
        test: {
          name: "up",
          include: ups,
          fileParallelism: false,
          testTimeout: 120_000,
          sequence: { groupOrder: 3 },
          ...servers
        }
      },
      {
        extends: true,
        test: {
          name: "faults",
          include: faults,
          exclude: alone,
          maxWorkers,
          testTimeout: 120_000,
          sequence: { groupOrder: 4 },
          ...servers
        }
      },
      {
        extends: true,
        test: {
          name: "alone",
          include: alone,
          fileParallelism: false,
          testTimeout: 120_000,
          sequence: { groupOrder: 5 },
          ...servers
        }
      }
    ]
  }
})
