/**
 * How much of unfinished reports is held at once, by one peer and in all.
 *
 * A report is held from its arrival until it is stored. Who would exceed the room is turned away and comes again, so
 * that neither a fleet after an outage nor a single peer can fill the memory.
 */
import { Effect, type Scope } from "effect"
import { addressOf, ByteBudget, type ByteLimits } from "../grpc/ByteBudget.ts"
import { ResourceExhausted } from "../grpc/GrpcError.ts"

/** A peer's share holds the largest report that may be streamed, and what is made of it. */
export const defaultLimits: ByteLimits = { bytesMax: 384 * 2 ** 20, bytesPerPeerMax: 192 * 2 ** 20 }

/** Of a status beside its bytes, once it is read. */
export const statusBytes = 2_048

export interface ReportMemory {
  /** Takes the room until the scope closes. `peer` is `address:port`; connections of one address share. */
  readonly hold: (peer: string, bytes: number) => Effect.Effect<void, ResourceExhausted, Scope.Scope>
}

export const make = (limits: ByteLimits = defaultLimits): ReportMemory => {
  const budget = new ByteBudget(limits)
  return {
    hold: (peer, bytes) =>
      Effect.acquireRelease(
        Effect.suspend(() => {
          const address = addressOf(peer)
          const overrun = budget.take(address, bytes)
          if (overrun === undefined) return Effect.succeed(address)
          const detail = budget.refusalOf(overrun, { peer: `reports of ${address}`, all: "unfinished reports" })
          return Effect.fail(new ResourceExhausted({ detail }))
        }),
        (address) => Effect.sync(() => budget.give(address, bytes))
      ).pipe(Effect.asVoid)
  }
}
