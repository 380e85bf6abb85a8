/** Is told of each device that somebody takes out of the inventory; does nothing unless somebody listens. */
import { Context, Effect } from "effect"
import type { DeviceRemoval } from "../../domain/events/outgoing/DeviceLifecycleEvent.ts"

export const DeviceObserver = Context.Reference<(removal: DeviceRemoval) => void>(
  "serviceradar/services/telemetry/DeviceObserver",
  { defaultValue: () => () => undefined }
)

export const tell = (removal: DeviceRemoval): Effect.Effect<void> =>
  Effect.map(DeviceObserver, (observe) => observe(removal)).pipe(
    Effect.ignoreCause({ log: "Warn", message: "The removal of a device could not be told of" })
  )
