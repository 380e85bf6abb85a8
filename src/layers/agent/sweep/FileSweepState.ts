/**
 * Sweeps in a folder: `running.jsonl` grows by a line for each block and becomes `last.jsonl` when it is complete.
 *
 * The first line names the plan. A line that was not written to its end, because the machine went down meanwhile, counts
 * as never written. Nothing is flushed to the disk before the agent goes on: what a power cut takes is swept again.
 */
import { Effect, FileSystem, Layer, Option, Path, type PlatformError, Result, Schema } from "effect"
import * as crypto from "node:crypto"
import { type BlockFindings, parse } from "../../../domain/agent/sweep/SweepFindings.ts"
import { type Kept, SweepState, SweepStateError } from "../../../services/agent/sweep/SweepState.ts"
import * as SafeDirectory from "../../process/SafeDirectory.ts"
import { systemText } from "../../process/SystemText.ts"

const Head = Schema.Struct({ plan: Schema.String })
const decodeHead = Schema.decodeUnknownOption(Schema.fromJsonString(Head))
const Tail = Schema.Struct({ sequence: Schema.Int })
const decodeTail = Schema.decodeUnknownOption(Schema.fromJsonString(Tail))

const hash = (plan: string): string => crypto.createHash("sha256").update(plan).digest("hex")

interface KeptFile {
  readonly plan: string
  readonly blocks: ReadonlyArray<BlockFindings>
  readonly sequence: number | undefined
}

const read = (text: string): KeptFile | "unreadable" => {
  const [first = "", ...lines] = text.split("\n")
  const head = decodeHead(first)
  if (Option.isNone(head)) return "unreadable"
  const last = Option.getOrUndefined(decodeTail(lines.findLast((line) => line !== "") ?? ""))
  return {
    plan: head.value.plan,
    blocks: lines.flatMap((line) => parse(line) ?? []),
    sequence: last?.sequence
  }
}

const make = Effect.fnUntraced(function*(folder: string) {
  const files = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const running = path.join(folder, "running.jsonl")
  const last = path.join(folder, "last.jsonl")

  const failedAt = (file: string) => (cause: PlatformError.PlatformError) =>
    new SweepStateError({ file, detail: systemText(cause) })

  const load = (file: string) =>
    files.readFileString(file).pipe(
      Effect.map(read),
      Effect.catchTag("PlatformError", (error) =>
        error.reason._tag === "NotFound" ? Effect.undefined : Effect.fail(failedAt(file)(error)))
    )

  const append = (line: unknown) =>
    Effect.mapError(
      files.writeFileString(running, `${JSON.stringify(line)}\n`, { flag: "a", mode: 0o600 }),
      failedAt(running)
    )

  return SweepState.of({
    load: Effect.fnUntraced(function*(plan) {
      const identity = hash(plan)
      const before = yield* load(last)
      const open = yield* load(running)
      const blocksOf = (kept: typeof before) =>
        kept !== undefined && kept !== "unreadable" && kept.plan === identity ? kept.blocks : []
      const lastWhole = before === "unreadable" || before?.blocks.length === 0 ? undefined : before
      const isLastBroken = before !== undefined && lastWhole?.sequence === undefined
      const kept: Kept = {
        sequence: lastWhole?.sequence,
        completed: isLastBroken ? [] : blocksOf(before),
        interrupted: blocksOf(open),
        unreadable: [
          ...(isLastBroken ? [`${last} is no whole sweep: what it had found is lost`] : []),
          ...(open === "unreadable" ? [`${running} is none of a sweep: it begins anew`] : [])
        ]
      }
      return kept
    }),
    begin: (plan, goesOn) =>
      goesOn
        // Ends a line that was not written to its end.
        ? Effect.mapError(files.writeFileString(running, "\n", { flag: "a" }), failedAt(running))
        : Effect.mapError(
          files.writeFileString(running, `${JSON.stringify({ plan: hash(plan) })}\n`, { mode: 0o600 }),
          failedAt(running)
        ),
    add: append,
    complete: (sequence) =>
      Effect.andThen(append({ sequence }), Effect.mapError(files.rename(running, last), failedAt(last)))
  })
})

/** In a folder of that agent's own; without one sweeps begin anew with each start, and that is told. */
export const layer = (folder: string) =>
  Layer.unwrap(Effect.gen(function*() {
    const usable = yield* Effect.result(SafeDirectory.ensure(folder, 0o700))
    if (Result.isSuccess(usable)) return Layer.effect(SweepState, make(usable.success))
    yield* Effect.logWarning(`an interrupted sweep cannot be continued: ${usable.failure.message}`)
    return SweepState.layerNothing
  }))
