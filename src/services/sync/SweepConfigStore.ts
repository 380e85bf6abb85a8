/**
 * Where agents read their sweep configs: a key-value store, and an object store beside it for what is large.
 *
 * There is no way to delete a key here: an agent that starts while its key is absent sweeps nothing.
 */
import { Context, type Effect, type Option, Schema, type Stream } from "effect"
import type { SpoolError } from "./Spool.ts"

/** The peer keeps no objects; only small documents can be given to it. */
export class NoObjectStore extends Schema.TaggedError<NoObjectStore>()("NoObjectStore", {}) {}

export class SweepConfigStoreError extends Schema.TaggedError<SweepConfigStoreError>()("SweepConfigStoreError", {
  step: Schema.String,
  key: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `${this.step} ${this.key}: ${this.detail}`
  }
}

export interface StoredObject {
  readonly bytes: number
  /** Hexadecimal, or any form of base64. */
  readonly sha256: string
  readonly chunks: number
}

export interface ObjectUpload {
  readonly key: string
  readonly bytes: number
  /** Hexadecimal. */
  readonly sha256: string
  readonly agentId: string
  readonly content: Stream.Stream<Uint8Array, SpoolError>
}

export class SweepConfigStore extends Context.Service<SweepConfigStore, {
  readonly read: (key: string) => Effect.Effect<Option.Option<Uint8Array>, SweepConfigStoreError>
  readonly put: (key: string, value: Uint8Array) => Effect.Effect<void, SweepConfigStoreError>
  /** What is under an object's key; none when there is nothing, or when the peer cannot say. */
  readonly stat: (key: string) => Effect.Effect<Option.Option<StoredObject>, SweepConfigStoreError>
  readonly upload: (
    upload: ObjectUpload
  ) => Effect.Effect<StoredObject, SweepConfigStoreError | NoObjectStore | SpoolError>
  /** An object that no pointer names any more; absent is no error. */
  readonly removeObject: (key: string) => Effect.Effect<void, SweepConfigStoreError>
}>()("serviceradar-effect/services/sync/SweepConfigStore") {}
