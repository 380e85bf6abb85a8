/**
 * The tree of `serviceradar up --demo`: that of `EventfulTree`, and before it
 *
 *   Up
 *   ├─ Demo  one_for_one: FakeArmis, FakeNetBox
 *   ├─ Sync  one_for_one, see SyncProgram; agents' sweep configs go over the event writer's connection to NATS
 *   └─ …
 *
 * The poller asks sync as it asks an agent, so that its devices arrive in core; the agent reads from NATS what it is to
 * sweep. Without a nats-server there are devices, but no sweep config.
 */
import { Effect, Layer, Option } from "effect"
import * as FakeArmis from "../../../layers/sync/fakes/FakeArmis.ts"
import * as FakeNetBox from "../../../layers/sync/fakes/FakeNetBox.ts"
import * as Supervisor from "../../../services/supervision/Supervisor.ts"
import * as SweepGuest from "../../agent/SweepGuest.ts"
import * as SyncProgram from "../../sync/SyncProgram.ts"
import * as EventfulTree from "../EventfulTree.ts"
import * as LocalEvents from "../LocalEvents.ts"
import { host } from "../setup/Ports.ts"
import * as UpTree from "../UpTree.ts"
import * as DemoConfig from "./DemoConfig.ts"
import { DemoRefused } from "./DemoRefused.ts"
import type { Demo } from "./DemoSetup.ts"
import * as DemoWatch from "./DemoWatch.ts"

const fakes = ({ ports }: Demo) => {
  const { armis, netbox } = DemoConfig.devices
  const fixed = { isControlled: true, network: "benchmark" } as const
  return {
    id: "Demo",
    strategy: "one_for_one",
    children: [
      Supervisor.child({
        id: "FakeArmis",
        start: Effect.as(FakeArmis.serve({ ...fixed, devices: armis, port: ports.armis }), Effect.never)
      }),
      Supervisor.child({
        id: "FakeNetBox",
        start: Effect.as(FakeNetBox.serve({ ...fixed, devices: netbox, port: ports.netbox }), Effect.never)
      })
    ]
  } as const
}

const announce = ({ file, ports, sync }: Demo) =>
  Effect.logInfo(
    `Demo: ${
      sync.sources.map(({ endpoint, name }) => `${name} at ${endpoint}`).join(", ")
    }; what sync does with them ` +
      `is in ${file}. To see a mass deletion held back: curl -d '{"devices":100}' ` +
      `http://${host}:${ports.armis}/_control`
  )

const runWith = <E, R>(
  events: LocalEvents.LocalEvents,
  demo: Demo,
  options: EventfulTree.EventfulOptions,
  shown: UpTree.Shown<E, R>
) => {
  const core = LocalEvents.withRoomFor(events, UpTree.coreConfig(options))
  const httpUrl = `http://${host}:${options.setup.ports.coreHttp}`
  return Effect.scoped(Effect.gen(function*() {
    yield* LocalEvents.announce(events)
    yield* SyncProgram.prepare
    yield* announce(demo)
    const { all } = yield* LocalEvents.streams
    const watch = yield* DemoWatch.make(httpUrl, demo.sync.sources.map(({ name }) => name))
    return yield* Supervisor.run({
      ...UpTree.root,
      children: [
        Supervisor.supervisor(fakes(demo)),
        Supervisor.supervisor(yield* SyncProgram.tree(demo.sync, { isGuest: true })),
        ...UpTree.monitoring(core, options, [SweepGuest.sweepConfig]),
        ...LocalEvents.children(events)
      ]
    }).pipe(
      Effect.raceFirst(watch.keep),
      Effect.raceFirst(shown({ streams: all, inventory: watch.current }))
    )
  })).pipe(
    Effect.provide(
      Layer.merge(SyncProgram.guestLayer(demo.sync), SweepGuest.layer(options.setup.agent)).pipe(
        Layer.provideMerge(EventfulTree.layerOf(events, core, options))
      )
    )
  )
}

/** As `EventfulTree.run`, with a sync service and its sources. */
export const run = <E, R>(demo: Demo, options: EventfulTree.EventfulOptions, shown: UpTree.Shown<E, R>) =>
  Effect.gen(function*() {
    const events = yield* EventfulTree.plan(options)
    if (Option.isSome(events)) return yield* runWith(events.value, demo, options, shown)
    return yield* new DemoRefused({
      detail: "without NATS no sweep config reaches the agent, and EVENT_WRITER_ENABLED says that there is to be none"
    })
  })
