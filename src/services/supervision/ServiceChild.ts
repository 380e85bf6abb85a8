/**
 * A child that provides a service to its later siblings.
 *
 * Under `rest_for_one` or `one_for_all` a sibling that was given the service is restarted whenever the provider is, so
 * it never works with a service whose Scope is closed. A tree in which that does not hold is refused: the provider must
 * stand before its users, in the same list or in one further up, under one of these two strategies. By hand a provider
 * cannot be stopped while a user runs. Each tree that the two stand in has a service of its own.
 */
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type { Provider } from "../../domain/supervision/ChildState.ts"
import { type BoundChild, type ChildOptions, type ChildSpec, make } from "./ChildSpec.ts"
import { ChildPosition } from "./internal/child/ChildPosition.ts"

/** A sibling started by hand while its provider does not run. */
class ServiceNotRunning extends Data.TaggedError("ServiceNotRunning")<{ readonly provider: string }> {
  override get message(): string {
    return `${this.provider} does not run`
  }
}

export interface ServiceChild<I, E, R> extends ChildSpec<E, R> {
  /** Gives the service to a sibling that comes after this child. */
  readonly provide: <E2, R2>(sibling: ChildSpec<E2, R2>) => ChildSpec<E2, Exclude<R2, I>>
}

/** A child that builds a Layer when it starts, keeps its service until it is stopped, and lends it to siblings. */
export const serviceChild = <I, S, E, R>(
  options: ChildOptions & { readonly service: Context.Key<I, S>; readonly layer: Layer.Layer<I, E, R> }
): Effect.Effect<ServiceChild<I, E, Exclude<R, Scope.Scope>>> =>
  Effect.sync(() => {
    const { layer, service, ...childOptions } = options
    const provider: Provider = { id: options.id }
    const start = Effect.gen(function*() {
      const built: Context.Context<never> = yield* Layer.build(layer)
      const position = yield* ChildPosition
      yield* Effect.acquireRelease(
        Effect.sync(() => position?.owner.lent.set(provider, built)),
        () => Effect.sync(() => position?.owner.lent.delete(provider))
      )
      return Effect.never
    })
    return {
      ...make("worker", { ...childOptions, start }, { provider }),
      provide: (sibling) => given(sibling, service, provider)
    }
  })

/** Binds a child anew at each start, because the service may be another one each time. */
const given = <E, R, I, S>(
  sibling: ChildSpec<E, R>,
  service: Context.Key<I, S>,
  provider: Provider
): ChildSpec<E, Exclude<R, I>> => ({
  description: { ...sibling.description, uses: [...sibling.description.uses, provider] },
  bind: Effect.contextWith((context: Context.Context<Exclude<R, I>>) => {
    const bind = (lent: S): Effect.Effect<BoundChild<E>> => {
      const provided = Effect.provideService(sibling.bind, service, lent)
      return Effect.updateContext(provided, (): Context.Context<Exclude<R, I>> => context)
    }
    const bound: BoundChild<E> = {
      description: { ...sibling.description, uses: [...sibling.description.uses, provider] },
      life: (position, onStarted, onClosing) =>
        Effect.flatMap(
          Effect.flatMap(lentTo(position, service, provider), bind),
          ({ life }) => life(position, onStarted, onClosing)
        )
    }
    return Effect.succeed(bound)
  })
})

/** The service as the nearest provider above lends it now. */
const lentTo = <I, S>(
  position: ChildPosition,
  service: Context.Key<I, S>,
  provider: Provider
): Effect.Effect<S> =>
  Effect.suspend(() => {
    for (let at: ChildPosition | undefined = position; at !== undefined; at = at.owner.position) {
      const found = at.owner.lent.get(provider)
      if (found !== undefined) {
        const lent = Context.getOption(found, service)
        if (lent._tag === "Some") return Effect.succeed(lent.value)
      }
    }
    return Effect.die(new ServiceNotRunning({ provider: provider.id }))
  })
