/** Tells the monitor, where there is one, that a server did not let us in or that we did not trust it. */
import { Effect, Option } from "effect"
import * as SecurityEvent from "../../domain/security/SecurityEvent.ts"
import { SecurityMonitor } from "./SecurityMonitor.ts"

export const recorder = Effect.map(
  Effect.serviceOption(SecurityMonitor),
  (monitor) => ({ peer, reason }: { readonly peer: string; readonly reason: string }): Effect.Effect<void> =>
    Option.match(monitor, {
      onNone: () => Effect.void,
      onSome: ({ record }) => record(SecurityEvent.ConnectionAttempt.make({ peer, success: false, reason }))
    })
)
