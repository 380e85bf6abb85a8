/**
 * The plugins of a folder, each file one; what changes there is loaded beside what runs.
 *
 * The folder is looked at every second by the files' sizes and times, and a file that may have changed is read. A file that
 * somebody else could have written is refused, because it runs as this process; one that cannot be loaded changes nothing.
 */
import { Duration, Effect, Layer, Option, Result, Schema, type Scope } from "effect"
import * as crypto from "node:crypto"
import type { Stats } from "node:fs"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import * as PluginContract from "../../../domain/poller/plugins/PluginContract.ts"
import * as PluginSlot from "../../../services/poller/plugins/PluginSlot.ts"
import { type Plugins, ReplyPlugins } from "../../../services/poller/plugins/ReplyPlugins.ts"
import * as PluginThread from "./PluginThread.ts"

export interface Options {
  readonly folder: string
  readonly callLimit: Duration.Duration
}

const lookEvery = Duration.seconds(1)
const loadLimit = Duration.seconds(5)
const heapMegabytes = 64
/** Each has a thread. */
const pluginsMax = 16
const bytesMax = 4 * 1_048_576

class NotUsable extends Schema.TaggedError<NotUsable>()("NotUsable", { detail: Schema.String }) {
  override get message(): string {
    return this.detail
  }
}

const attempt = <A>(work: () => Promise<A>) =>
  Effect.tryPromise({
    try: work,
    catch: (cause) => new NotUsable({ detail: cause instanceof Error ? cause.message : String(cause) })
  })

/** Whoever may write to it could have this process do anything. */
const strangers = ({ mode, uid }: Stats): string | undefined => {
  const own = process.getuid?.()
  if (own !== undefined && uid !== own && uid !== 0) return `it belongs to user ${uid}`
  return (mode & 0o022) === 0 ? undefined : "others than its owner may write to it"
}

interface Known {
  /** Of the look at which the content was read. */
  readonly signature: string
  readonly version: string
}

interface Place {
  readonly slot: PluginSlot.PluginSlot
  known: Known
}

const signatureOf = ({ ctimeMs, ino, mtimeMs, size, uid, mode }: Stats): string =>
  [ino, size, mtimeMs, ctimeMs, uid, mode].join(" ")

/** What is there is loaded before the first agent is asked. */
export const layer = (options: Options): Layer.Layer<never> => Layer.effect(ReplyPlugins, make(options))

const make = Effect.fn("PluginFolder.make")(function*(
  { callLimit, folder }: Options
): Effect.fn.Return<Plugins, never, Scope.Scope> {
  const places = new Map<string, Place>()
  let slots: ReadonlyArray<PluginSlot.PluginSlot> = []
  let trouble = ""

  const noteTrouble = (reason: string) =>
    Effect.suspend(() => {
      if (trouble === reason) return Effect.void
      trouble = reason
      return reason === "" ? Effect.void : Effect.logWarning(`${folder}: ${reason}; the plugins stay as they are`)
    })

  const arrange = Effect.sync(() => {
    slots = [...places].toSorted(([one], [other]) => one < other ? -1 : 1).map(([, { slot }]) => slot)
  })

  yield* Effect.addFinalizer(() => Effect.forEach(places.values(), ({ slot }) => slot.close, { discard: true }))

  const versionOf = Effect.fnUntraced(function*(file: string, info: Stats) {
    const stranger = strangers(info)
    if (stranger !== undefined) return yield* new NotUsable({ detail: stranger })
    if (info.size > bytesMax) return yield* new NotUsable({ detail: `it has more than ${bytesMax} bytes` })
    const content = yield* attempt(() => fs.readFile(file))
    return crypto.createHash("sha256").update(content).digest("hex").slice(0, 12)
  })

  const follow = Effect.fnUntraced(function*(name: string, file: string, info: Stats) {
    const signature = signatureOf(info)
    const place = places.get(name) ?? {
      slot: PluginSlot.make(name, callLimit),
      known: { signature: "", version: "" }
    }
    if (place.known.signature === signature) return
    places.set(name, place)
    const version = yield* Effect.result(versionOf(file, info))
    if (Result.isFailure(version)) {
      place.known = { ...place.known, signature }
      return yield* Effect.logError(`${file} is not loaded: ${version.failure.message}`)
    }
    const before = place.known.version
    place.known = { signature, version: version.success }
    if (version.success === before) return
    const limits = { call: callLimit, load: loadLimit, heapMegabytes }
    yield* PluginThread.load({ name, file, version: version.success }, limits).pipe(
      Effect.flatMap(place.slot.offer),
      Effect.catch((fault) => Effect.logError(`${file} is not loaded: ${fault.message}`))
    )
  })

  const forget = Effect.fnUntraced(function*(name: string, { slot }: Place) {
    places.delete(name)
    yield* arrange
    yield* slot.close
    yield* Effect.logInfo(`plugin ${name} is gone`)
  })

  const look = Effect.gen(function*() {
    const stranger = strangers(yield* attempt(() => fs.stat(folder)))
    if (stranger !== undefined) return yield* new NotUsable({ detail: stranger })
    const fileNames = (yield* attempt(() => fs.readdir(folder))).toSorted()
    const found = new Map(
      fileNames.flatMap((fileName) =>
        Option.toArray(Option.map(PluginContract.nameOf(fileName), (name) => [name, fileName] as const))
      )
    )
    if (found.size > pluginsMax) return yield* new NotUsable({ detail: `it has more than ${pluginsMax} plugins` })
    for (const [name, place] of places) if (!found.has(name)) yield* forget(name, place)
    yield* Effect.forEach(found, ([name, fileName]) =>
      Effect.gen(function*() {
        const file = path.join(folder, fileName)
        const info = yield* Effect.option(attempt(() => fs.stat(file)))
        if (Option.isSome(info) && info.value.isFile()) yield* follow(name, file, info.value)
      }), { concurrency: "unbounded", discard: true })
    yield* arrange
    yield* noteTrouble("")
  }).pipe(Effect.catch((error) => noteTrouble(error.message)))

  yield* look
  return {
    slots: () => slots,
    run: Effect.forever(Effect.andThen(Effect.sleep(lookEvery), look))
  }
})
