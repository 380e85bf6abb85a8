/** What a buffer needs of the folder that its segments are in; a test puts one in its place that forgets what was not synced. */
import { type Effect, Schema, type Scope } from "effect"

/** The folder or a file in it cannot be used as it should. */
export class BufferFault extends Schema.TaggedError<BufferFault>()("BufferFault", {
  path: Schema.String,
  /** What was being done. */
  step: Schema.String,
  detail: Schema.String,
  /** There is no such file: nobody needs to wait for it. */
  isAbsent: Schema.Boolean
}) {
  override get message(): string {
    return `${this.path}: ${this.step}: ${this.detail}`
  }
}

/** A file that only grows. */
export interface SegmentFile {
  /** The bytes are the file's own from then on. */
  readonly append: (bytes: Uint8Array) => Effect.Effect<void, BufferFault>
  /** What was appended survives a power failure. */
  readonly sync: Effect.Effect<void, BufferFault>
  readonly close: Effect.Effect<void>
}

export interface SegmentFiles {
  readonly folder: string
  /** Makes the folder and keeps others out of it until the scope closes. */
  readonly hold: Effect.Effect<void, BufferFault, Scope.Scope>
  readonly list: Effect.Effect<ReadonlyArray<{ readonly name: string; readonly bytes: number }>, BufferFault>
  /** There must be none of that name. */
  readonly create: (name: string) => Effect.Effect<SegmentFile, BufferFault>
  /** Less than `length` bytes at the end of the file. They are the reader's own. */
  readonly read: (name: string, offset: number, length: number) => Effect.Effect<Uint8Array, BufferFault>
  /** Cuts the file, and syncs it. */
  readonly truncate: (name: string, bytes: number) => Effect.Effect<void, BufferFault>
  readonly rename: (from: string, to: string) => Effect.Effect<void, BufferFault>
  /** Whether or not there was one. */
  readonly remove: (name: string) => Effect.Effect<void, BufferFault>
  /** Files that were made, renamed and removed survive a power failure as such. */
  readonly syncFolder: Effect.Effect<void, BufferFault>
}
