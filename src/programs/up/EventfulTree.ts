/**
 * The tree of `serviceradar up` with events: what monitors, see `UpTree`, and beside it NATS, the event writer and what
 * the programs publish about themselves, see `LocalEvents`.
 *
 * A module of its own, because `--once` does without and should not wait until all this is loaded.
 */
import { Effect, Layer, Option } from "effect"
import * as Supervisor from "../../services/supervision/Supervisor.ts"
import * as LocalEvents from "./LocalEvents.ts"
import * as UpTree from "./UpTree.ts"

const runWith = <E, R>(
  events: LocalEvents.LocalEvents,
  options: UpTree.TreeOptions,
  shown: UpTree.Shown<E, R>
) => {
  const core = LocalEvents.withRoomFor(events, UpTree.coreConfig(options))
  return Effect.gen(function*() {
    yield* LocalEvents.announce(events)
    const { all } = yield* LocalEvents.streams
    return yield* Supervisor.run({
      ...UpTree.root,
      children: [...UpTree.monitoring(core, options), ...LocalEvents.children(events)]
    }).pipe(Effect.raceFirst(shown({ streams: all, inventory: Effect.succeedNone })))
  }).pipe(
    Effect.provide(layerOf(events, core, options))
  )
}

/** What the children need. */
export const layerOf = (
  events: LocalEvents.LocalEvents,
  core: Parameters<typeof UpTree.layerOf>[0],
  options: UpTree.TreeOptions
) => LocalEvents.layer(events).pipe(Layer.provideMerge(UpTree.layerOf(core, options)))

export type EventfulOptions = UpTree.TreeOptions & { readonly notice: LocalEvents.EventsOptions["notice"] }

/** None when the environment says that there are to be no events. */
export const plan = (options: EventfulOptions) =>
  LocalEvents.plan({
    directory: options.setup.directory,
    searchPath: options.pathVariable,
    certificates: options.setup.certificates,
    notice: options.notice
  })

/** As `UpTree.run`, with events unless the environment says that there are to be none. */
export const run = <E, R>(options: EventfulOptions, shown: UpTree.Shown<E, R>) =>
  Effect.gen(function*() {
    const events = yield* plan(options)
    return yield* Option.isNone(events) ? UpTree.run(options, shown) : runWith(events.value, options, shown)
  })
