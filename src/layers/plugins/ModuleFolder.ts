/**
 * Follows the plugins of a folder, each file one.
 *
 * The folder is looked at every second by the files' sizes and times, and a file that may have changed is read. A file that
 * somebody else could have written is refused, because it runs as this process.
 */
import { Duration, Effect, Option, Result, Schema } from "effect"
import * as crypto from "node:crypto"
import type { Stats } from "node:fs"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import * as ModuleContract from "../../domain/plugins/ModuleContract.ts"
import type { Source } from "./ModuleThread.ts"

export interface Options {
  readonly folder: string
  readonly modulesMax: number
  /** What it says of a file that it cannot use goes to the log, and changes nothing. */
  readonly changed: (source: Source) => Effect.Effect<void, { readonly message: string }>
  readonly gone: (name: string) => Effect.Effect<void>
}

const lookEvery = Duration.seconds(1)
/** Each is loaded in a thread, whose memory a process does not give back. */
const atOnceMax = 2
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

const signatureOf = ({ ctimeMs, ino, mtimeMs, size, uid, mode }: Stats): string =>
  [ino, size, mtimeMs, ctimeMs, uid, mode].join(" ")

const contentOf = Effect.fnUntraced(function*(file: string, info: Stats) {
  const stranger = strangers(info)
  if (stranger !== undefined) return yield* new NotUsable({ detail: stranger })
  if (info.size > bytesMax) return yield* new NotUsable({ detail: `it has more than ${bytesMax} bytes` })
  const content = yield* attempt(() => fs.readFile(file))
  return {
    version: crypto.createHash("sha256").update(content).digest("hex").slice(0, 12),
    text: content.toString("utf8")
  }
})

/** Returns when what is there has been told; the inner effect follows it. */
export const follow = Effect.fn("ModuleFolder.follow")(function*({ changed, folder, gone, modulesMax }: Options) {
  const files = new Map<string, Known>()
  let trouble = ""

  const noteTrouble = (reason: string) =>
    Effect.suspend(() => {
      if (trouble === reason) return Effect.void
      trouble = reason
      return reason === "" ? Effect.void : Effect.logWarning(`${folder}: ${reason}; the plugins stay as they are`)
    })

  const lookAt = Effect.fnUntraced(function*(name: string, file: string, info: Stats) {
    const signature = signatureOf(info)
    const known = files.get(name) ?? { signature: "", version: "" }
    if (known.signature === signature) return
    const found = yield* Effect.result(contentOf(file, info))
    if (Result.isFailure(found)) {
      files.set(name, { ...known, signature })
      return yield* Effect.logError(`${file} is not loaded: ${found.failure.message}`)
    }
    const { text, version } = found.success
    files.set(name, { signature, version })
    if (version === known.version) return
    yield* changed({ name, file, version, text }).pipe(
      Effect.catch(({ message }) => Effect.logError(`${file} is not loaded: ${message}`))
    )
  })

  const forget = Effect.fnUntraced(function*(name: string) {
    files.delete(name)
    yield* gone(name)
    yield* Effect.logInfo(`plugin ${name} is gone`)
  })

  const look = Effect.gen(function*() {
    const stranger = strangers(yield* attempt(() => fs.stat(folder)))
    if (stranger !== undefined) return yield* new NotUsable({ detail: stranger })
    const fileNames = (yield* attempt(() => fs.readdir(folder))).toSorted()
    const found = new Map(
      fileNames.flatMap((fileName) =>
        Option.toArray(Option.map(ModuleContract.nameOf(fileName), (name) => [name, fileName] as const))
      )
    )
    if (found.size > modulesMax) return yield* new NotUsable({ detail: `it has more than ${modulesMax} plugins` })
    for (const name of files.keys()) if (!found.has(name)) yield* forget(name)
    yield* Effect.forEach(found, ([name, fileName]) =>
      Effect.gen(function*() {
        const file = path.join(folder, fileName)
        const info = yield* Effect.option(attempt(() => fs.stat(file)))
        if (Option.isSome(info) && info.value.isFile()) yield* lookAt(name, file, info.value)
      }), { concurrency: atOnceMax, discard: true })
    yield* noteTrouble("")
  }).pipe(Effect.catch((error) => noteTrouble(error.message)))

  yield* look
  return Effect.forever(Effect.andThen(Effect.sleep(lookEvery), look))
})
