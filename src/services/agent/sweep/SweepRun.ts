/** One sweep from where it is to its end: the blocks that are missing, a few at once. */
import { Clock, Effect, Stream } from "effect"
import type { BlockFindings, SweepFindings } from "../../../domain/agent/sweep/SweepFindings.ts"
import * as SweepPlan from "../../../domain/agent/sweep/SweepPlan.ts"
import type { SweepSettings } from "../../../domain/agent/sweep/SweepSettings.ts"
import { type Answers, SweepScanner } from "./SweepScanner.ts"

/** So many that the scanner has connections to begin while the last ones of a block are awaited. */
const blocksAtOnce = (plan: SweepPlan.SweepPlan, concurrency: number): number =>
  Math.max(3, Math.ceil(6 * concurrency / Math.max(1, plan.blockHosts * Math.max(1, plan.ports.length))) + 1)

function* missing(findings: SweepFindings): Generator<number> {
  for (let block = 0; block < findings.plan.blocks; block++) if (!findings.has(block)) yield block
}

const byHost = (left: ReadonlyArray<number>, right: ReadonlyArray<number>): number =>
  (left[0] ?? 0) - (right[0] ?? 0) || (left[1] ?? 0) - (right[1] ?? 0)

export interface Done {
  readonly found: BlockFindings
  readonly answers: Answers
}

/** Adds to the findings; `onBlock` is called after each block, one at a time. */
export const run = <E, R>(
  findings: SweepFindings,
  settings: SweepSettings,
  onBlock: (done: Done) => Effect.Effect<void, E, R>
) =>
  Effect.gen(function*() {
    const { plan } = findings
    if (findings.isComplete) return { icmpBy: "" }
    const scanner = yield* SweepScanner
    const { icmpBy, scan } = yield* scanner.open({
      ports: plan.ports,
      probes: plan.probes,
      usesIcmp: plan.spans.some(({ modes }) => (modes & SweepPlan.icmp) !== 0),
      timeout: settings.timeout,
      concurrency: settings.concurrency,
      ratePerSecond: settings.ratePerSecond,
      icmpRatePerSecond: settings.icmpRatePerSecond,
      threads: settings.threads
    })
    yield* Stream.fromIterable(missing(findings), { chunkSize: 64 }).pipe(
      Stream.mapEffect((block) =>
        Effect.gen(function*() {
          const answers = yield* scan(SweepPlan.blockOf(plan, block))
          const found: BlockFindings = {
            block,
            at: yield* Clock.currentTimeMillis,
            open: answers.open.toSorted(byHost),
            pings: answers.pings.toSorted(byHost)
          }
          return { found, answers }
        }), { concurrency: blocksAtOnce(plan, settings.concurrency), unordered: true }),
      Stream.runForEach((done) =>
        Effect.suspend(() => {
          findings.add(done.found)
          return onBlock(done)
        })
      )
    )
    return { icmpBy }
  }).pipe(Effect.scoped)
