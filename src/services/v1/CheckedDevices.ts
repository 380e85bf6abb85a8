/** Which devices checks with metrics ask at this moment; read at most every few seconds, because it takes their messages. */
import { Context, Effect, Layer } from "effect"
import * as Checked from "../../domain/v1/Checked.ts"
import { StatusStore, type StatusStoreError } from "../core/StatusStore.ts"
import type { Asker } from "../records/Records.ts"
import { areSeen, within } from "./OwnStatuses.ts"

/** Of each type. */
const statesMax = 2000

const types = ["icmp", "snmp", "sysmon", "rperf", "grpc"]

const age = "5 seconds"

export class CheckedDevices extends Context.Service<CheckedDevices, {
  /** As `OwnStatuses`. */
  readonly of: (asker: Asker) => Effect.Effect<ReadonlyArray<Checked.Checked>, StatusStoreError>
}>()("serviceradar/services/v1/CheckedDevices") {
  static readonly layer = Layer.effect(
    CheckedDevices,
    Effect.gen(function*() {
      const store = yield* StatusStore
      const read = Effect.forEach(types, (type) => store.current({ type, limit: statesMax })).pipe(
        Effect.map((states) => states.flat().flatMap(Checked.ofState))
      )
      const all = yield* Effect.cachedWithTTL(read, age)
      return CheckedDevices.of({
        of: (asker) => areSeen(asker) ? Effect.map(all, (checked) => within(asker, checked)) : Effect.succeed([])
      })
    })
  )
}
