/**
 * How much of unfinished reports is held at once, by one peer and in all.
 *
 * A report is held from its arrival until it is stored. Who would exceed the room is turned away and comes again, so
 * that neither a fleet after an outage nor a single peer can fill the memory.
 */
import { Effect, type Scope } from "effect"
import { ResourceExhausted } from "../grpc/GrpcError.ts"

export interface Limits {
  readonly bytesMax: number
  readonly bytesPerPeerMax: number
}

/** A peer's share holds the largest report that may be streamed, and what is made of it. */
export const defaultLimits: Limits = { bytesMax: 384 * 2 ** 20, bytesPerPeerMax: 192 * 2 ** 20 }

/** Of a status beside its bytes, once it is read. */
export const statusBytes = 2_048

export interface ReportMemory {
  /** Takes the room until the scope closes. `peer` is `address:port`; connections of one address share. */
  readonly hold: (peer: string, bytes: number) => Effect.Effect<void, ResourceExhausted, Scope.Scope>
}

const addressOf = (peer: string): string => peer.slice(0, Math.max(0, peer.lastIndexOf(":"))) || peer

const mebibytes = (bytes: number): string => `${Math.round(bytes / 2 ** 20)} MiB`

export const make = (limits: Limits = defaultLimits): ReportMemory => {
  const byAddress = new Map<string, number>()
  let total = 0

  const add = (address: string, bytes: number) => {
    total += bytes
    const now = (byAddress.get(address) ?? 0) + bytes
    if (now === 0) byAddress.delete(address)
    else byAddress.set(address, now)
  }

  const refusal = (address: string, bytes: number): string | undefined => {
    if ((byAddress.get(address) ?? 0) + bytes > limits.bytesPerPeerMax) {
      return `reports of ${address} take more than ${mebibytes(limits.bytesPerPeerMax)} already: send it again later`
    }
    return total + bytes > limits.bytesMax
      ? `unfinished reports take more than ${mebibytes(limits.bytesMax)} already: send it again later`
      : undefined
  }

  return {
    hold: (peer, bytes) =>
      Effect.acquireRelease(
        Effect.suspend(() => {
          const address = addressOf(peer)
          const detail = refusal(address, bytes)
          if (detail !== undefined) return Effect.fail(new ResourceExhausted({ detail }))
          add(address, bytes)
          return Effect.succeed(address)
        }),
        (address) => Effect.sync(() => add(address, -bytes))
      ).pipe(Effect.asVoid)
  }
}
