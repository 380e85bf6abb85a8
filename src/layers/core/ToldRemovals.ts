/** Lets others know of each device that somebody takes out of the inventory, in whichever way it was asked for. */
import { DateTime, Effect, Layer, Option } from "effect"
import { Device } from "../../domain/inventory/devices/Device.ts"
import type { Stored } from "../../domain/records/Record.ts"
import { Records, type Writing } from "../../services/records/Records.ts"
import * as DeviceObserver from "../../services/telemetry/DeviceObserver.ts"

const { definition } = Device

/** Both leave it in no list. */
const removals = new Set(["decommission", "destroy"])

const isRemoval = ({ action, definition: { name } }: Writing): boolean =>
  name === definition.name && removals.has(action)

const textOf = ({ values }: Stored, name: string): string => {
  const value = values[name]
  return typeof value === "string" ? value : ""
}

const tell = ({ address = "", name: actor }: Writing["asker"], device: Stored) =>
  Effect.flatMap(DateTime.now, (at) =>
    DeviceObserver.tell({
      deviceId: textOf(device, "uid"),
      partition: textOf(device, "partitionId") || "default",
      ip: textOf(device, "ip"),
      actor,
      address,
      at
    }))

const wrap = (records: Records["Service"]): Records["Service"] => ({
  ...records,
  write: (writing) => {
    const { action, asker, key } = writing
    if (!isRemoval(writing) || key === undefined) return records.write(writing)
    return Effect.gen(function*() {
      // What is destroyed is not there to be told of afterwards.
      const before = action === "destroy"
        ? yield* Effect.option(records.find({ definition, action: "read", asker, key }))
        : Option.none<Stored>()
      const after = yield* records.write(writing)
      const device = Option.orElse(before, () => Option.fromNullishOr(after))
      if (Option.isSome(device)) yield* tell(asker, device.value)
      return after
    })
  }
})

export const layer: Layer.Layer<Records, never, Records> = Layer.effect(Records, Effect.map(Records, wrap))
