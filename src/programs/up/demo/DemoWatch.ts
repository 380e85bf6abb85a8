/** Looks at the sync service of `up --demo`, at what core has of its devices and at what the agent reads. */
import { Effect, Option, Ref, Schedule, Schema } from "effect"
import * as ManagementClient from "../../../layers/http/ManagementClient.ts"
import { SweepAssignment } from "../../../services/agent/sweep/SweepAssignment.ts"
import { ResultsStore } from "../../../services/sync/ResultsStore.ts"
import * as SyncOverview from "../../../services/sync/SyncOverview.ts"
import type { Inventory } from "../screen/Inventory.ts"

const lookEvery = Schedule.fixed("250 millis")
const askCoreEvery = Schedule.fixed("2 seconds")

const Devices = Schema.fromJsonString(Schema.Array(Schema.Unknown))
const Services = Schema.Struct({ services: Schema.Array(Schema.Struct({ message: Schema.String })) })
const decodeDevices = Schema.decodeUnknownOption(Devices)

/** As core has stored them; none while it does not answer or nothing has come. */
const inCore = Effect.fnUntraced(function*(httpUrl: string) {
  const { services } = yield* ManagementClient.get(httpUrl, "/api/services?type=sync&name=sync&limit=1", Services)
  return Option.flatMap(
    Option.fromNullishOr(services[0]),
    ({ message }) => Option.map(decodeDevices(message), (list) => list.length)
  )
})

/** `keep` looks for as long as it runs; `current` is what it saw last. */
export const make = Effect.fnUntraced(function*(httpUrl: string, sources: ReadonlyArray<string>) {
  const seen = yield* Ref.make(Option.none<Inventory>())
  const core = yield* Ref.make(Option.none<number>())

  const askCore = Effect.flatMap(
    Effect.orElseSucceed(inCore(httpUrl), Option.none<number>),
    (devices) => Option.isSome(devices) ? Ref.set(core, devices) : Effect.void
  )
  const look = Effect.gen(function*() {
    const set = yield* ResultsStore.use((store) => store.current)
    const inventory: Inventory = {
      sources: yield* SyncOverview.read(sources),
      served: Option.map(set, ({ devices, sequence }) => ({ devices, sequence })),
      devicesInCore: yield* Ref.get(core),
      agent: yield* SweepAssignment.use((assignment) => assignment.state)
    }
    yield* Ref.set(seen, Option.some(inventory))
  })
  return {
    current: Ref.get(seen),
    // A spool that cannot be read is told of by those who work with it.
    keep: Effect.all([Effect.repeat(Effect.ignore(look), lookEvery), Effect.repeat(askCore, askCoreEvery)], {
      concurrency: "unbounded",
      discard: true
    }).pipe(Effect.andThen(Effect.never))
  }
})
