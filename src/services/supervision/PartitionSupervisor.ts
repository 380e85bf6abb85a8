/**
 * The same child n times, and for every key always the same one of them: spreads what a single child would serialise.
 *
 * A partition that restarts keeps its keys; until it is back, asking for it fails with `PartitionDown` instead of
 * sending its keys elsewhere, where they would lose their order. The value is both a child to put into a tree and the
 * way to reach whatever supervisor runs it at the moment.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import * as SpecCheck from "../../domain/supervision/check/SpecCheck.ts"
import * as Partition from "../../domain/supervision/Partition.ts"
import type { RestartIntensityInput } from "../../domain/supervision/RestartIntensity.ts"
import type { ChildCounts } from "../../domain/supervision/SupervisorState.ts"
import * as ChildSpec from "./ChildSpec.ts"
import { ChildPosition } from "./internal/child/ChildPosition.ts"
import { RunningInstance } from "./internal/RunningInstance.ts"
import * as Supervisor from "./Supervisor.ts"
import { type ChildRefused, type ChildStartError, SupervisorGone, SupervisorShutdown } from "./SupervisorError.ts"
import type { ChildInfo } from "./SupervisorHandle.ts"

/** A number of partitions below 1, or above what the supervisor was declared with. */
export class PartitionsRefused extends Schema.TaggedError<PartitionsRefused>()("PartitionsRefused", {
  supervisor: Schema.String,
  partitions: Schema.Number,
  partitionsMax: Schema.Number
}) {
  override get message(): string {
    return `${this.supervisor}: ${this.partitions} partitions, expected a whole number from 1 to ${this.partitionsMax}`
  }
}

/** The partition of a key is not running: it restarts, or its supervisor is gone. */
export class PartitionDown extends Schema.TaggedError<PartitionDown>()("PartitionDown", {
  supervisor: Schema.String,
  partition: Schema.Finite
}) {
  override get message(): string {
    return `${this.supervisor}: partition ${this.partition} is down`
  }
}

export interface PartitionOptions<A, E1, R1, E2, R2> extends Pick<ChildSpec.ChildOptions, "restart" | "backoff"> {
  readonly id: string
  /** Partitions at the start, and the most there can be. */
  readonly partitions: number
  /** Default three restarts in five seconds, of all partitions together. */
  readonly intensity?: RestartIntensityInput
  /** Acquires a partition in its Scope: what callers get, and its life. */
  readonly start: (
    partition: number
  ) => Effect.Effect<{ readonly handle: A; readonly run: Effect.Effect<unknown, E2, R2> }, E1, R1>
}

export interface PartitionSupervisor<A, E, R> extends ChildSpec.ChildSpec<SupervisorShutdown<E>, R> {
  /** Partitions now. */
  readonly partitions: Effect.Effect<number>
  /** As OTP counts: those that a smaller size has stopped are specs that are not active. */
  readonly countChildren: Effect.Effect<ChildCounts, SupervisorGone>
  /** By partition, lowest first. */
  readonly whichChildren: Effect.Effect<ReadonlyArray<ChildInfo>, SupervisorGone>
  /** What the key's partition acquired when it last started. */
  readonly get: (key: Partition.PartitionKey) => Effect.Effect<A, PartitionDown>
  /** Stops the highest partitions, or starts them again. Keys move, as their remainder does. */
  readonly resize: (
    partitions: number
  ) => Effect.Effect<void, PartitionsRefused | ChildStartError<E> | ChildRefused | SupervisorGone>
}

export const make = <A, E1, R1, E2, R2>(
  options: PartitionOptions<A, E1, R1, E2, R2>
): Effect.Effect<PartitionSupervisor<A, E1 | E2, Exclude<R1 | R2, Scope.Scope>>, PartitionsRefused> =>
  Effect.gen(function*() {
    const { id, partitions: partitionsMax } = options
    if (!Partition.isSize(partitionsMax, Number.MAX_SAFE_INTEGER)) {
      const refused = { supervisor: id, partitions: partitionsMax, partitionsMax: Number.MAX_SAFE_INTEGER }
      return yield* new PartitionsRefused(refused)
    }
    const slots = new Map<number, A>()
    const resizing = yield* Semaphore.make(1)
    let size = partitionsMax
    const instance = new RunningInstance<{ supervisor?: Supervisor.Supervisor<E1 | E2> }>()

    const running = Effect.suspend(() => {
      const supervisor = instance.current?.supervisor
      return supervisor === undefined ? new SupervisorGone({ path: id }) : Effect.succeed(supervisor)
    })

    const partition = (index: number) =>
      ChildSpec.child({
        id: `${index}`,
        ...(options.backoff === undefined ? {} : { backoff: options.backoff }),
        start: Effect.gen(function*() {
          const { handle, run } = yield* options.start(index)
          yield* Effect.acquireRelease(
            Effect.sync(() => slots.set(index, handle)),
            () => Effect.sync(() => slots.delete(index))
          )
          return run
        })
      })

    const start = Effect.gen(function*() {
      const running: { supervisor?: Supervisor.Supervisor<E1 | E2> } = {}
      if (!(yield* instance.enter(running))) return yield* inTwoTrees<E1 | E2>(id)
      const supervisor = yield* Supervisor.start({
        id,
        strategy: "one_for_one",
        ...(options.intensity === undefined ? {} : { intensity: options.intensity }),
        children: Array.from({ length: partitionsMax }, (_, index) => partition(index))
      })
      running.supervisor = supervisor
      size = partitionsMax
      return supervisor.await
    }).pipe(
      Effect.catchTag("SupervisorStartError", ({ child, failure, path, problem }) =>
        new SupervisorShutdown<E1 | E2>({
          path,
          reason: problem === undefined ? "start_failed" : "invalid_spec",
          child,
          restarts: 0,
          problem,
          failure
        }))
    )

    const resize = Effect.fnUntraced(function*(partitions: number) {
      if (!Partition.isSize(partitions, partitionsMax)) {
        return yield* new PartitionsRefused({ supervisor: id, partitions, partitionsMax })
      }
      const current = instance.current?.supervisor
      if (current === undefined) return yield* new SupervisorGone({ path: id })
      while (size > partitions) {
        size -= 1
        yield* current.terminateChild(`${size}`)
      }
      while (size < partitions) {
        yield* current.restartChild(`${size}`)
        size += 1
      }
    })

    return {
      ...ChildSpec.make("supervisor", { id, restart: options.restart ?? "permanent", start }),
      partitions: Effect.sync(() => size),
      countChildren: Effect.flatMap(running, ({ countChildren }) => countChildren),
      whichChildren: Effect.flatMap(
        running,
        ({ whichChildren }) => Effect.map(whichChildren, (children) => children.toReversed())
      ),
      get: (key) =>
        Effect.suspend(() => {
          const index = Partition.partitionOf(key, size)
          const handle = slots.get(index)
          return handle === undefined ? new PartitionDown({ supervisor: id, partition: index }) : Effect.succeed(handle)
        }),
      resize: (partitions) => resizing.withPermit(resize(partitions))
    }
  })

const inTwoTrees = <E>(id: string): Effect.Effect<never, SupervisorShutdown<E>> =>
  Effect.flatMap(ChildPosition, (position) => {
    const path = position?.path ?? id
    return Effect.fail(
      new SupervisorShutdown<E>({
        path,
        reason: "invalid_spec",
        child: undefined,
        restarts: 0,
        problem: SpecCheck.inTwoTrees(path, id),
        failure: Cause.empty
      })
    )
  })
