/**
 * `CONFIG_SOURCE`, with which the existing services say where their configuration comes from: here from the file alone.
 *
 * The packaged units set it to `kv`; whoever goes on with the file then must know that edits in the key-value store change
 * nothing any more.
 */
import { Config, Effect, Option, Schema } from "effect"

export class UnsupportedConfigSource extends Schema.TaggedError<UnsupportedConfigSource>()("UnsupportedConfigSource", {
  value: Schema.String
}) {
  override get message(): string {
    return `CONFIG_SOURCE is ${
      JSON.stringify(this.value)
    }, expected "file" or nothing: configuration is read from the ` +
      "file alone, and the key-value store (KV_ADDRESS) is not asked yet. Bring what it overlays into the file and unset " +
      "CONFIG_SOURCE"
  }
}

const isFile = (value: string): boolean => ["", "file"].includes(value.trim().toLowerCase())

/** Fails where the operator expects the configuration from elsewhere. */
export const check = Config.option(Config.String("CONFIG_SOURCE")).pipe(
  Effect.map(Option.filter((value) => !isFile(value))),
  Effect.flatMap(Option.match({
    onNone: () => Effect.void,
    onSome: (value) => Effect.fail(new UnsupportedConfigSource({ value }))
  }))
)
