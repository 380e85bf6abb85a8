/** What holds of calls on connections with certificates while those are renewed. */
import { Effect } from "effect"
import type { Fault } from "../../src/domain/simulation/FaultPlan.ts"
import type { CarriedChannel, Carrier } from "../../src/layers/grpc/carrier/GrpcCarrier.ts"
import type { GrpcError } from "../../src/layers/grpc/GrpcError.ts"
import type { SecuredCall } from "../../src/layers/simulation/SimulatedGrpc.ts"
import { hostOf } from "../../src/services/simulation/Network.ts"
import type { World } from "../../src/services/simulation/World.ts"
import { aheadMillis } from "./parties/Certificates.ts"
import * as Felt from "./promises/Felt.ts"
import * as Reloads from "./Reloads.ts"
import * as Rotations from "./Rotations.ts"

interface Watched {
  readonly world: World
  readonly plan: ReadonlyArray<Fault>
}

/** Longer than a program takes to see that its files have changed, and to ask for a connection. */
const takenUpMillis = 5_000

const harmless: ReadonlyArray<string> = ["clockStep", ...Reloads.harmless, Rotations.kind]

/** Whether something was done to one of these that a call between them may feel. */
const areTouched = ({ plan, world }: Watched, parties: ReadonlyArray<string>): boolean =>
  Felt.isFelt(
    plan,
    world.nowMillis,
    ({ kind, other, target }) =>
      !harmless.includes(kind) && (parties.includes(target) || (other !== undefined && parties.includes(other)))
  )

/** At each call that reaches its server. */
export const begun = (watched: Watched, { client, overMillis, server }: SecuredCall): void => {
  const { world } = watched
  const sinceMillis = world.epochMicros / 1_000 + world.nowMillis + aheadMillis - overMillis
  if (sinceMillis <= takenUpMillis || areTouched(watched, [client, server])) return
  world.violate(
    "no call is made with certificates that are over",
    `${client} calls ${server}, ${(sinceMillis / 1_000).toFixed(1)} s after one of them was over`
  )
}

interface Dialling extends Watched {
  readonly poller: string
  /** Who has certificates. */
  readonly secured: ReadonlyArray<string>
}

const failed = (dialling: Dialling, server: string, error: GrpcError): void => {
  const { plan, poller, world } = dialling
  if (error._tag !== "Unavailable") return
  if (!Felt.isFelt(plan, world.nowMillis, ({ kind }) => kind === Rotations.kind)) return
  // Core is not available either while its database is not.
  if (areTouched(dialling, [poller, server, ...(server === "core" ? ["database"] : [])])) return
  world.violate("no call fails because certificates are renewed", `${poller} calls ${server}: ${error.detail}`)
}

/** Of a poller. */
export const carrier = (inner: Carrier, dialling: Dialling): Carrier => ({
  listen: inner.listen,
  open: (options) =>
    Effect.map(inner.open(options), (channel): CarriedChannel => {
      const server = hostOf(options.target)
      if (!dialling.secured.includes(server)) return channel
      const { calls } = channel
      return {
        ...channel,
        calls: {
          ...calls,
          unary: (method) => (request, options) =>
            Effect.tapError(
              calls.unary(method)(request, options),
              (error) => Effect.sync(() => failed(dialling, server, error))
            )
        }
      }
    })
})
