/**
 * What this agent is told to sweep, kept up to date.
 *
 * A document that cannot be used changes nothing: what was read before stays, and the reason is told. Unlike the Go
 * agent, which only warns, an object whose size or hash is not what its pointer says is not used; a deleted key leaves
 * what there is, as there.
 */
import { Clock, Context, Effect, Layer, Option, Ref, Result, Schedule, Stream, SubscriptionRef } from "effect"
import * as SweepSettings from "../../../domain/agent/sweep/SweepSettings.ts"
import * as SweepConfig from "../../../domain/inventory/SweepConfig.ts"
import * as SweepDocument from "../../../domain/inventory/SweepDocument.ts"
import * as SweepPointer from "../../../domain/inventory/SweepPointer.ts"
import { type Content, SweepConfigReader, type SweepConfigUnavailable } from "./SweepConfigReader.ts"

export interface Assignment {
  readonly targets: number
  readonly networks: number
  readonly bytes: number
  /** Of the document, lower-case hexadecimal. */
  readonly sha256: string
  /** Unix milliseconds: when this agent read it. */
  readonly readAt: number
}

export interface AssignmentState {
  readonly agentId: string
  readonly current: Option.Option<Assignment>
  /** Why a newer one is not in use; empty when there is none. */
  readonly problem: string
}

/** The largest document: 500,000 targets with all they carry. */
const bytesMax = 192 * 1024 * 1024

const decoder = new TextDecoder()

/** A store that is away is asked again this often. */
const askAgain = Schedule.jittered(Schedule.spaced("2 seconds"))

const make = Effect.fnUntraced(function*(agentId: string) {
  const reader = yield* SweepConfigReader
  const key = SweepConfig.keyOf(SweepConfig.prefixDefault, agentId)
  const told = yield* SubscriptionRef.make<Option.Option<SweepSettings.PartialSettings>>(Option.none())
  const state = yield* Ref.make<AssignmentState>({ agentId, current: Option.none(), problem: "" })

  /** Of the document in use, as JSON. */
  let usedOverrides = ""

  /** A reason that is told already is not told again. */
  const refuse = Effect.fnUntraced(function*(problem: string) {
    const before = yield* Ref.getAndUpdate(state, (now) => ({ ...now, problem }))
    if (before.problem === problem) return
    yield* Effect.logWarning(`The sweep config at ${key} is not used, what there was stays: ${problem}`)
  })

  const use = Effect.fnUntraced(function*({ bytes, sha256 }: Content, overrides: Readonly<Record<string, unknown>>) {
    const parsed = SweepDocument.parse(decoder.decode(bytes), overrides)
    if (Result.isFailure(parsed)) return yield* refuse(parsed.failure)
    const { device_targets, networks } = parsed.success
    const current: Assignment = {
      targets: device_targets?.length ?? 0,
      networks: networks?.length ?? 0,
      bytes: bytes.length,
      sha256,
      readAt: yield* Clock.currentTimeMillis
    }
    const before = yield* Ref.getAndUpdate(state, (now) => ({ ...now, current: Option.some(current), problem: "" }))
    const settings = JSON.stringify(overrides)
    if (Option.exists(before.current, (one) => one.sha256 === sha256) && settings === usedOverrides) return
    usedOverrides = settings
    yield* SubscriptionRef.set(told, Option.some(SweepSettings.ofDocument(parsed.success)))
    yield* Effect.logInfo(
      `Agent ${agentId} is to sweep ${current.targets} targets and ${current.networks} networks (${bytes.length} bytes)`
    )
  })

  const follow = Effect.fnUntraced(function*(pointer: SweepPointer.SweepPointer) {
    if (pointer.bytes > bytesMax) return yield* refuse(`${pointer.bytes} bytes are more than ${bytesMax}`)
    const object = yield* reader.object(pointer.objectKey)
    const { bytes, sha256 } = object
    if (bytes.length !== pointer.bytes || !SweepPointer.isSameHash(sha256, pointer.sha256)) {
      return yield* refuse(
        `${pointer.objectKey} has ${bytes.length} bytes with hash ${sha256}, the pointer says ${pointer.bytes} with ` +
          pointer.sha256
      )
    }
    yield* use(object, Option.getOrElse(pointer.overrides, () => ({})))
  })

  const take = Effect.fnUntraced(function*(
    value: Option.Option<Content>
  ): Effect.fn.Return<void, SweepConfigUnavailable> {
    if (Option.isNone(value)) return yield* refuse("the key was deleted")
    const pointer = SweepPointer.parse(decoder.decode(value.value.bytes))
    if (Option.isSome(pointer)) return yield* follow(pointer.value)
    yield* use(value.value, {})
  })

  const watch = reader.values(key).pipe(
    Stream.runForEach(take),
    // What a store that is away says is its own log's; here it only shows.
    Effect.catch((error) => Ref.update(state, (now) => ({ ...now, problem: error.message })))
  )

  return SweepAssignment.of({
    state: Ref.get(state),
    told,
    keep: Effect.andThen(Effect.repeat(watch, askAgain), Effect.never)
  })
})

export class SweepAssignment extends Context.Service<SweepAssignment, {
  readonly state: Effect.Effect<AssignmentState>
  /** What the document in use says; another value only when it is another document. */
  readonly told: SubscriptionRef.SubscriptionRef<Option.Option<SweepSettings.PartialSettings>>
  /** Reads and goes on reading, for a supervisor. */
  readonly keep: Effect.Effect<never>
}>()("serviceradar-effect/services/agent/sweep/SweepAssignment") {
  static readonly layer = (agentId: string) => Layer.effect(this, make(agentId))
}
