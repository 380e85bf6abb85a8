/** The checkers that operators bring along: modules of a folder, loaded and loaded again while the agent runs. */
import { Context, Duration, Effect, Exit, Layer, Scope } from "effect"
import type { PluginsConfig } from "../../../domain/agent/AgentConfig.ts"
import * as CheckerContract from "../../../domain/agent/plugins/CheckerContract.ts"
import * as ServiceKinds from "../../../domain/monitoring/ServiceKinds.ts"
import { ModuleVersions } from "../../../services/agent/plugins/ModuleVersions.ts"
import { type Prepare, UnknownServiceType } from "../../../services/monitoring/Prober.ts"
import { PluginFault } from "../../../services/plugins/PluginFault.ts"
import * as ThreadHouse from "../../plugins/house/ThreadHouse.ts"
import * as ModuleFolder from "../../plugins/ModuleFolder.ts"
import * as ModuleThread from "../../plugins/ModuleThread.ts"
import * as ModuleProbe from "./ModuleProbe.ts"

export interface Modules {
  /** Types of services that modules answer now. */
  readonly types: () => ReadonlyArray<string>
  readonly find: (serviceType: string) => Prepare | undefined
  /** Follows the folder. */
  readonly run: Effect.Effect<never>
}

/** None, where the agent's file names no folder. */
export const CheckerModules = Context.Reference<Modules>("serviceradar/layers/probes/CheckerModules", {
  defaultValue: () => ({ types: () => [], find: () => undefined, run: Effect.never })
})

const loadLimit = Duration.seconds(5)
/** Files; of threads there are as many as checks that are asked for. */
const modulesMax = 64
const threadsMax = 64
/** To all other threads of the agent, and of its host. */
const givesWayBy = 10
const windowMillis = 10_000

const houseOf = ({ cpuPercentMax, memoryMegabytesMax }: PluginsConfig) =>
  ThreadHouse.make({
    // An empty thread has some megabytes of its own.
    watch: { megabytesMax: memoryMegabytesMax + 16, percentMax: cpuPercentMax, windowMillis },
    givesWayBy
  })

interface Module {
  readonly versions: ModuleVersions
  readonly prepare: Prepare
}

/**
 * A checker of whichever module answers its type now: files are renamed, and take each other's place. What it knows goes with the
 * module that it was asked of. Where none answers any more the last one says why.
 */
export const following = (now: () => Prepare | undefined): Prepare =>
  Effect.fnUntraced(function*(request) {
    const owner = yield* Effect.scope
    const begin = Effect.fnUntraced(function*(prepare: Prepare) {
      const life = yield* Scope.fork(owner)
      return { prepare, life, checker: yield* Scope.provide(prepare(request), life) }
    })
    let current = yield* begin(now() ?? (() => Effect.fail(new UnknownServiceType({ ...request, known: [] }))))
    const follow = Effect.suspend(() => {
      const next = now()
      if (next === undefined || next === current.prepare) return Effect.void
      return Effect.flatMap(begin(next), (begun) => {
        const { life } = current
        current = begun
        return Scope.close(life, Exit.void)
      })
    }).pipe(Effect.uninterruptible)
    return {
      get timeout() {
        return current.checker.timeout
      },
      failed: current.checker.failed,
      check: Effect.matchEffect(follow, {
        onSuccess: () => current.checker.check,
        onFailure: ({ message }) => Effect.succeed(current.checker.failed(message))
      })
    }
  })

/** Loads the module once, to learn what it is. */
const manifestOf = Effect.fnUntraced(function*(source: ModuleThread.Source, limits: ModuleThread.Limits) {
  const thread = ModuleThread.make(source, CheckerContract.exports, limits)
  const manifest = yield* thread.describe(loadLimit).pipe(
    Effect.flatMap(ModuleProbe.decoded(source.name, "manifest", CheckerContract.Manifest)),
    Effect.ensuring(thread.stop)
  )
  const taken = manifest.serviceTypes.filter((type) => ServiceKinds.kindOf(type).isServed)
  if (taken.length === 0) return manifest
  return yield* new PluginFault({
    plugin: source.name,
    call: "manifest",
    reason: "wrong shape",
    detail: `serviceTypes: the agent itself answers ${taken.join(", ")}`
  })
})

const make = Effect.fn("CheckerModules.make")(
  function*(config: PluginsConfig): Effect.fn.Return<Modules, never, Scope.Scope> {
    const modules = new Map<string, Module>()
    let byType: ReadonlyMap<string, Module> = new Map()
    const limits = { heapMegabytes: config.memoryMegabytesMax, begin: yield* houseOf(config) }
    const places = ModuleProbe.threadPlaces(threadsMax)

    /** Of two modules for one type the first by name answers. */
    const arrange = () => {
      const known = [...modules].filter(([, { versions }]) => !versions.isGone)
      const ordered = known.toSorted(([one], [other]) => one < other ? 1 : -1)
      byType = new Map(
        ordered.flatMap(([, module]) =>
          module.versions.current.manifest.serviceTypes.map((type) => [type, module] as const)
        )
      )
    }

    const changed = Effect.fnUntraced(function*(source: ModuleThread.Source) {
      const version = { ...source, manifest: yield* manifestOf(source, limits) }
      const known = modules.get(source.name)
      if (known === undefined) {
        const versions = new ModuleVersions(version)
        const prepare = ModuleProbe.prepare({ name: source.name, versions, places, limits })
        modules.set(source.name, { versions, prepare })
      } else known.versions.offer(version)
      arrange()
      const types = version.manifest.serviceTypes.join(", ")
      const does = known === undefined ? "answers" : "takes over"
      yield* Effect.logInfo(`plugin ${source.name}: version ${source.version} ${does} ${types}`)
    })

    const gone = (name: string) =>
      Effect.sync(() => {
        const module = modules.get(name)
        if (module !== undefined) module.versions.isGone = true
        arrange()
      })

    const run = yield* ModuleFolder.follow({ folder: config.folder, modulesMax, changed, gone })
    return {
      types: () => [...byType.keys()],
      find: (serviceType) => byType.has(serviceType) ? following(() => byType.get(serviceType)?.prepare) : undefined,
      run
    }
  }
)

export const layer = (config: PluginsConfig): Layer.Layer<never> => Layer.effect(CheckerModules, make(config))
