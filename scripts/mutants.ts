/**
 * Plants bugs in the supervisor's decision, one at a time, and shows that the tests catch each: `npm run test:mutants`.
 *
 * Works on a copy in a temporary folder, so a broken-off run leaves no bug behind. Exits 1 when a bug survives, or when
 * a bug can no longer be planted because the code has changed.
 */
import { spawnSync } from "node:child_process"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"

interface Mutant {
  readonly bug: string
  readonly file: string
  readonly from: string
  readonly to: string
}

const domain = "src/domain/supervision"

const mutants: ReadonlyArray<Mutant> = [
  {
    bug: "the edge of the period no longer counts",
    file: `${domain}/RestartIntensity.ts`,
    from: "?? 0) >= oldest",
    to: "?? 0) > oldest"
  },
  {
    bug: "gives up one restart too early",
    file: `${domain}/RestartIntensity.ts`,
    from: "size(window) > intensity.maxRestarts",
    to: "size(window) >= intensity.maxRestarts"
  },
  {
    bug: "stops in start order",
    file: `${domain}/SupervisorPlan.ts`,
    from: "({ _tag: \"Stop\", id })).toReversed())",
    to: "({ _tag: \"Stop\", id })))"
  },
  {
    bug: "stops a group in start order",
    file: `${domain}/SupervisorDecision.ts`,
    from: "\n    .toReversed()",
    to: ""
  },
  {
    bug: "restarts temporary children",
    file: `${domain}/ChildExit.ts`,
    from: "restart === \"permanent\" || (restart === \"transient\" && isAbnormal(exit))",
    to: "restart === \"permanent\" || isAbnormal(exit)"
  },
  {
    bug: "restarts transient children after an orderly end",
    file: `${domain}/ChildExit.ts`,
    from: "restart === \"permanent\" || (restart === \"transient\" && isAbnormal(exit))",
    to: "restart !== \"temporary\""
  },
  {
    bug: "does not take a kill for abnormal",
    file: `${domain}/ChildExit.ts`,
    from: "exit === \"failure\" || exit === \"killed\"",
    to: "exit === \"failure\""
  },
  {
    bug: "starts a child again after it was terminated",
    file: `${domain}/SupervisorPlan.ts`,
    from: "      draft.settle(child)\n",
    to: ""
  },
  {
    bug: "rest_for_one forgets the children after the failed one",
    file: `${domain}/Strategy.ts`,
    from: "return { from: failed, to: size }",
    to: "return { from: failed, to: failed + 1 }"
  },
  {
    bug: "a restarting child does not count as active for all_significant",
    file: `${domain}/SupervisorDecision.ts`,
    from: "(isLive(other) || other.status === \"restarting\")",
    to: "isLive(other)"
  },
  {
    bug: "keeps the specs of temporary children",
    file: `${domain}/SupervisorDraft.ts`,
    from: "if (child.restart === \"temporary\") this.remove(child)\n    else ",
    to: ""
  },
  {
    bug: "a failed attempt to restart is not counted",
    file: `${domain}/SupervisorDecision.ts`,
    from: "draft.window = RestartIntensity.record(",
    to: "if (!isAttempt) draft.window = RestartIntensity.record("
  },
  {
    bug: "a child whose group restart failed at a sibling waits for good",
    file: `${domain}/SupervisorDecision.ts`,
    from: "      passOn(draft, child)\n",
    to: ""
  },
  {
    bug: "the late end of a child left behind stops the watch over the next",
    file: "src/services/supervision/internal/child/ChildRecord.ts",
    from: "          if (this.fiber !== fiber) return\n          this.watchdog?.interruptUnsafe()\n",
    to: "          this.watchdog?.interruptUnsafe()\n          if (this.fiber !== fiber) return\n"
  },
  {
    bug: "a finalizer that hangs keeps its child from starting again",
    file: "src/services/supervision/internal/child/ChildRecord.ts",
    from: "        ended(exit)\n        return this.owner.abandoned(this)",
    to: "        return this.owner.abandoned(this)"
  }
]

const root = path.resolve(import.meta.dirname, "..")
const copied = [
  "src/domain/supervision",
  "src/services/supervision",
  "test/domain/supervision",
  "test/services/supervision",
  "package.json",
  "tsconfig.json"
]

const copySources = (folder: string): void => {
  for (const name of copied) fs.cpSync(path.join(root, name), path.join(folder, name), { recursive: true })
  fs.symlinkSync(path.join(root, "node_modules"), path.join(folder, "node_modules"))
}

/** Whether the tests of supervision pass in the folder. */
const passes = (folder: string): boolean => {
  const vitest = path.join(root, "node_modules/vitest/vitest.mjs")
  const args = [
    vitest,
    "run",
    "--bail",
    "1",
    "--testTimeout",
    "60000",
    "test/domain/supervision",
    "test/services/supervision"
  ]
  return spawnSync(process.execPath, args, { cwd: folder, stdio: "ignore" }).status === 0
}

/** Whether the tests notice the bug; undefined when it cannot be planted. */
const isCaught = (folder: string, { file, from, to }: Mutant): boolean | undefined => {
  const place = path.join(folder, file)
  const sound = fs.readFileSync(place, "utf8")
  if (!sound.includes(from)) return undefined
  fs.writeFileSync(place, sound.replace(from, to))
  const caught = !passes(folder)
  fs.writeFileSync(place, sound)
  return caught
}

const main = (): number => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "serviceradar-mutants-"))
  try {
    copySources(folder)
    if (!passes(folder)) {
      console.log("FAILED the tests do not pass without a planted bug")
      return 1
    }
    const verdicts = mutants.map((mutant) => {
      const caught = isCaught(folder, mutant)
      console.log(`${caught === true ? "caught  " : caught === false ? "SURVIVED" : "STALE   "} ${mutant.bug}`)
      return caught === true
    })
    const count = verdicts.filter(Boolean).length
    console.log(`${count} of ${mutants.length} planted bugs caught`)
    return count === mutants.length ? 0 : 1
  } finally {
    fs.rmSync(folder, { recursive: true, force: true })
  }
}

process.exitCode = main()
