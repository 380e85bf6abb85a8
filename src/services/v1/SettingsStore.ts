/**
 * The key-value store that holds the settings of the existing system's services.
 *
 * Whoever has one attaches it while it runs; without it every call fails with `NoStore`, and core works as before.
 */
import { Context, Effect, Layer, Option, Schema, type Scope } from "effect"

/** None is attached. */
class NoStore extends Schema.TaggedClass<NoStore>()("NoStore", {}) {}

/** It does not answer, or refuses. */
class StoreAway extends Schema.TaggedClass<StoreAway>()("StoreAway", { step: Schema.String, detail: Schema.String }) {}

export class SettingsStoreError extends Schema.TaggedError<SettingsStoreError>()("SettingsStoreError", {
  key: Schema.String,
  reason: Schema.Union([NoStore, StoreAway])
}) {
  override get message(): string {
    return this.reason._tag === "NoStore"
      ? "there is no key-value store"
      : `${this.reason.step} ${this.key}: ${this.reason.detail}`
  }

  static away(key: string, step: string, detail: string): SettingsStoreError {
    return new SettingsStoreError({ key, reason: new StoreAway({ step, detail }) })
  }
}

export interface Setting {
  readonly text: string
  readonly revision: number
}

/** Where it is, as an operator knows it. */
export interface Place {
  /** Without user and password. */
  readonly address: string
  /** Empty without one. */
  readonly domain: string
  readonly bucket: string
}

export interface Store {
  readonly place: Effect.Effect<Place, SettingsStoreError>
  readonly read: (key: string) => Effect.Effect<Option.Option<Setting>, SettingsStoreError>
  readonly put: (key: string, text: string) => Effect.Effect<void, SettingsStoreError>
}

export class SettingsStore extends Context.Service<
  SettingsStore,
  Store & {
    /** Until the scope ends. */
    readonly attach: (store: Store) => Effect.Effect<void, never, Scope.Scope>
  }
>()("serviceradar/services/v1/SettingsStore") {
  static readonly layer = Layer.sync(SettingsStore, () => {
    let attached = Option.none<Store>()
    const of = <A>(key: string, use: (store: Store) => Effect.Effect<A, SettingsStoreError>) =>
      Effect.suspend(() =>
        Option.match(attached, {
          onNone: () => Effect.fail(new SettingsStoreError({ key, reason: new NoStore({}) })),
          onSome: use
        })
      )
    return {
      place: of("", (store) => store.place),
      read: (key) => of(key, (store) => store.read(key)),
      put: (key, text) => of(key, (store) => store.put(key, text)),
      attach: (store) =>
        Effect.acquireRelease(
          Effect.sync(() => {
            attached = Option.some(store)
          }),
          () =>
            Effect.sync(() => {
              attached = Option.none()
            })
        ).pipe(Effect.asVoid)
    }
  })
}
