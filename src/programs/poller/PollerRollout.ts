/** What of a poller's tree belongs to its rollout; nothing of it is there without one. */
import { Effect, Layer, Option, Stream } from "effect"
import type { PollerConfig } from "../../domain/poller/PollerConfig.ts"
import { Management } from "../../layers/http/Management.ts"
import * as RollbackFile from "../../layers/poller/rollout/RollbackFile.ts"
import * as RolloutRoute from "../../layers/poller/rollout/RolloutRoute.ts"
import * as ShadowFile from "../../layers/poller/rollout/ShadowFile.ts"
import { Fleet } from "../../services/poller/Fleet.ts"
import { Rollout } from "../../services/poller/rollout/Rollout.ts"
import * as ShadowReporter from "../../services/poller/rollout/ShadowReporter.ts"
import * as Supervisor from "../../services/supervision/Supervisor.ts"

export interface RolloutOptions {
  /** Where a rollout keeps its rollback and its shadow; without it there is no rollout. */
  readonly rolloutFolder?: string
}

export const isShadow = ({ rollout }: PollerConfig, { rolloutFolder }: RolloutOptions): boolean =>
  rolloutFolder !== undefined && Option.exists(rollout, (one) => one.isShadow)

/** A tree of other programs, which have none, knows nothing of it. */
const own = Effect.serviceOption(Rollout)

export const children = ({ rollout }: PollerConfig, { rolloutFolder }: RolloutOptions) =>
  Option.isNone(rollout) || rolloutFolder === undefined ? [] : [
    Supervisor.child({
      id: "Rollout",
      start: Effect.gen(function*() {
        const watched = yield* own
        if (Option.isNone(watched)) return Effect.never
        const taken = Effect.map(Fleet.use(({ current }) => current), ({ links }) => [...links.keys()])
        yield* Management.use(({ register }) => register(RolloutRoute.part(watched.value, taken)))
        const revised = Effect.flatMap(
          Fleet,
          ({ changes }) =>
            Stream.runForEach(
              changes,
              ({ config }) => Option.match(config.rollout, { onNone: () => Effect.void, onSome: watched.value.revise })
            )
        )
        return Effect.raceFirst(watched.value.run, Effect.andThen(revised, Effect.never))
      })
    })
  ]

/** The rollout and its gate. */
export const layer = ({ rollout }: PollerConfig, { rolloutFolder }: RolloutOptions): Layer.Layer<never> =>
  Option.isNone(rollout) || rolloutFolder === undefined
    ? Layer.empty
    : Layer.provide(Rollout.layer(rollout.value), RollbackFile.layer(rolloutFolder))

/** In place of the reporter to core; undefined where the poller is no shadow. */
export const shadowReporter = ({ rollout }: PollerConfig, { rolloutFolder: folder }: RolloutOptions) =>
  Option.isNone(rollout) || !rollout.value.isShadow || folder === undefined ? undefined : Layer.provide(
    ShadowReporter.layer,
    ShadowFile.layer({ folder, bytesMax: rollout.value.shadowBytesMax })
  )
