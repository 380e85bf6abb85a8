/** What is kept of a service's settings: they themselves, where they come from, and who follows them. */
import { DateTime, Effect, Option, Schema } from "effect"
import * as ConfigDescriptors from "../../domain/v1/ConfigDescriptors.ts"
import { type Setting, SettingsStore } from "./SettingsStore.ts"

const read = (key: string) => SettingsStore.use((store) => store.read(key))
const put = (key: string, text: string) => SettingsStore.use((store) => store.put(key, text))

const Origin = Schema.Struct({
  origin: Schema.optionalKey(Schema.String),
  writer: Schema.optionalKey(Schema.String),
  updated_at: Schema.optionalKey(Schema.String)
})

const decodeOrigin = Schema.decodeUnknownOption(Schema.fromJsonString(Origin))

/** Who has written the setting last, as far as that was noted. */
export const originOf = (key: string) =>
  Effect.map(
    read(ConfigDescriptors.originKey(key)),
    (kept): typeof Origin.Type => Option.getOrElse(Option.flatMap(kept, ({ text }) => decodeOrigin(text)), () => ({}))
  )

const note = (key: string, origin: "seeded" | "user", writer: string) =>
  Effect.flatMap(
    DateTime.now,
    (now) =>
      put(ConfigDescriptors.originKey(key), JSON.stringify({ origin, writer, updated_at: DateTime.formatIso(now) }))
  )

const isFilled = (setting: Option.Option<Setting>): boolean => Option.exists(setting, ({ text }) => text !== "")

export const isThere = (key: string) => Effect.map(read(key), Option.isSome)

/** Where there is none yet, what the service has left for a beginning becomes its setting, as in the existing core. */
export const find = Effect.fn("Settings.find")(
  function*(key: string, descriptor: ConfigDescriptors.ConfigDescriptor) {
    const kept = yield* read(key)
    if (isFilled(kept)) return kept
    const template = yield* read(ConfigDescriptors.templateKey(descriptor))
    if (Option.isNone(template) || !isFilled(template)) return Option.none()
    yield* put(key, template.value.text)
    yield* note(key, "seeded", "system")
    return yield* read(key)
  }
)

export const change = (key: string, text: string, writer: string) =>
  Effect.andThen(put(key, text), note(key, "user", writer))

const Watcher = Schema.Struct({
  id: Schema.optionalKey(Schema.Unknown),
  service: Schema.String,
  instance_id: Schema.optionalKey(Schema.String),
  scope: Schema.optionalKey(Schema.String),
  kv_key: Schema.optionalKey(Schema.String),
  started_at: Schema.optionalKey(Schema.String),
  last_event: Schema.optionalKey(Schema.String),
  status: Schema.optionalKey(Schema.String)
})

const decodeWatcher = Schema.decodeUnknownOption(Schema.fromJsonString(Watcher))

/** Services that are looked for at once and in all. */
const readsAtOnce = 16
const watchersMax = 500

/** In the order of the keys; what cannot be read is left out. */
export const watchers = (keys: ReadonlyArray<string>) =>
  Effect.map(
    Effect.forEach(keys.slice(0, watchersMax), read, { concurrency: readsAtOnce }),
    (found) => found.flatMap((one) => Option.toArray(Option.flatMap(one, ({ text }) => decodeWatcher(text))))
  )
