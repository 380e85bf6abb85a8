/**
 * A child that provides a service to its later siblings.
 *
 * Under `rest_for_one` a sibling that was given the service is restarted whenever the provider is, so it never works
 * with a service whose Scope is closed. The type of a sibling without its provider keeps asking for the service.
 */
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { type BoundChild, type ChildOptions, type ChildSpec, make } from "./ChildSpec.ts"

/** A sibling started while its provider does not run: it stands before the provider, or the strategy parts them. */
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
    let current: Context.Context<I> | undefined
    const running = Effect.suspend(() =>
      current === undefined ? Effect.die(new ServiceNotRunning({ provider: options.id })) : Effect.succeed(current)
    )
    const spec = make("worker", {
      ...options,
      start: Effect.gen(function*() {
        const built = yield* Layer.build(options.layer)
        yield* Effect.acquireRelease(
          Effect.sync(() => (current = built)),
          () => Effect.sync(() => (current = undefined))
        )
        return Effect.never
      })
    })
    return { ...spec, provide: (sibling) => given(sibling, options.service, running) }
  })

/** Binds a child anew at each start, because the service may be another one each time. */
const given = <E, R, I, S>(
  sibling: ChildSpec<E, R>,
  service: Context.Key<I, S>,
  running: Effect.Effect<Context.Context<I>>
): ChildSpec<E, Exclude<R, I>> => ({
  description: sibling.description,
  bind: Effect.contextWith((context: Context.Context<Exclude<R, I>>) => {
    const bind = (current: Context.Context<I>): Effect.Effect<BoundChild<E>> => {
      const provided = Effect.provideService(sibling.bind, service, Context.get(current, service))
      return Effect.updateContext(provided, (): Context.Context<Exclude<R, I>> => context)
    }
    const bound: BoundChild<E> = {
      description: sibling.description,
      life: (position, onStarted, onClosing) =>
        Effect.flatMap(Effect.flatMap(running, bind), ({ life }) => life(position, onStarted, onClosing))
    }
    return Effect.succeed(bound)
  })
})
