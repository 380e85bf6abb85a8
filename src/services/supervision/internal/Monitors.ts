/** Monitors and links: what one child learns of another's end. */
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { ChildPosition, type DownReason } from "./child/ChildPosition.ts"
import type { ChildRecord } from "./child/ChildRecord.ts"

/** The end of one life of a child, as whoever monitors it is told. */
export interface Down<out E> {
  readonly _tag: "Down"
  /** Of the child, in the tree. */
  readonly path: string
  readonly reason: DownReason
  /** Why it ended, after `failure`. */
  readonly failure: Cause.Cause<E>
}

/** Set up when the outer effect has run; the inner one waits for the end of the life that ran then. */
export type Monitor<E> = Effect.Effect<Effect.Effect<Down<E>>, never, Scope.Scope>

/** Monitors a child, until the Scope closes. */
export const monitor = <E>(path: string, recordOf: () => ChildRecord<E> | undefined): Monitor<E> =>
  Effect.suspend(() => {
    const down = Deferred.makeUnsafe<Down<E>>()
    const setUp = Effect.sync(() => {
      const record = recordOf()
      const tell = (reason: DownReason): void => {
        const failure = reason === "failure" && record !== undefined ? record.failure : Cause.empty
        Deferred.doneUnsafe(down, Effect.succeed({ _tag: "Down", path: record?.path ?? path, reason, failure }))
      }
      if (record !== undefined) return record.onDown(tell)
      tell("noproc")
      return () => {}
    })
    return Effect.as(Effect.acquireRelease(setUp, (leave) => Effect.sync(leave)), Deferred.await(down))
  })

/**
 * Ties the life of the child that runs this to another's: when one ends in any way but normally, the other is killed,
 * and what becomes of it is its restart kind's matter, as with OTP's links. Until the Scope closes.
 */
export const link = <E>(record: () => ChildRecord<E> | undefined): Effect.Effect<void, never, Scope.Scope> =>
  Effect.flatMap(ChildPosition, (self) =>
    Effect.asVoid(
      Effect.acquireRelease(
        Effect.sync(() => {
          const other = record()
          if (self === undefined) return () => {}
          if (other === undefined) {
            self.kill()
            return () => {}
          }
          const leaveOther = other.onDown((reason) => {
            if (reason !== "normal") self.kill()
          })
          const leaveSelf = self.onDown((reason) => {
            if (reason !== "normal") other.kill()
          })
          return () => {
            leaveOther()
            // The Scope of the whole life closes before that life has ended, and its end is what the other waits for.
            if (!self.isClosing) leaveSelf()
          }
        }),
        (leave) => Effect.sync(leave)
      )
    ))
