/** The plugins of a folder; a file that changes is loaded beside what runs, and one that cannot be loaded changes nothing. */
import { Duration, Effect, type Scope } from "effect"
import * as PluginSlot from "../../../services/poller/plugins/PluginSlot.ts"
import { ReplyPlugins } from "../../../services/poller/plugins/ReplyPlugins.ts"
import * as ModuleFolder from "../../plugins/ModuleFolder.ts"
import type { Source } from "../../plugins/ModuleThread.ts"
import * as PluginThread from "./PluginThread.ts"

export interface Options {
  readonly folder: string
  readonly callLimit: Duration.Duration
}

const loadLimit = Duration.seconds(5)
const heapMegabytes = 64
/** Each has a thread. */
const pluginsMax = 16

/** Succeeds when what is there is loaded and asked from then on, until the scope ends; what is left is to follow the folder. */
export const open = Effect.fn("PluginFolder.open")(function*(
  { callLimit, folder }: Options
): Effect.fn.Return<Effect.Effect<never>, never, Scope.Scope> {
  const { use } = yield* ReplyPlugins
  const slots = new Map<string, PluginSlot.PluginSlot>()
  let ordered: ReadonlyArray<PluginSlot.PluginSlot> = []
  const arrange = () => {
    ordered = [...slots].toSorted(([one], [other]) => one < other ? -1 : 1).map(([, slot]) => slot)
  }
  const limits = { call: callLimit, load: loadLimit, heapMegabytes }

  yield* Effect.addFinalizer(() => Effect.forEach(slots.values(), ({ close }) => close, { discard: true }))

  const changed = Effect.fnUntraced(function*(source: Source) {
    const module = yield* PluginThread.load(source, limits)
    const slot = slots.get(source.name) ?? PluginSlot.make(source.name, callLimit)
    yield* slot.offer(module)
    slots.set(source.name, slot)
    arrange()
  })
  const gone = (name: string) =>
    Effect.suspend(() => {
      const slot = slots.get(name)
      slots.delete(name)
      arrange()
      return slot?.close ?? Effect.void
    })

  const run = yield* ModuleFolder.follow({ folder, modulesMax: pluginsMax, changed, gone })
  yield* use(() => ordered)
  return run
})
