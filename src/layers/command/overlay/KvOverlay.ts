/**
 * Documents of the key-value store that lie over a program's file: `config/<name of the file>`, and over that others that
 * are its own.
 *
 * They are read before the program starts, and followed while it runs. While the store is away, what it said last counts;
 * nothing is ever written to it.
 */
import { Effect, Layer, Option, Stream } from "effect"
import * as path from "node:path"
import * as Backoff from "../../../domain/backoff/Backoff.ts"
import { ConfigOverlay } from "../../../services/command/ConfigOverlay.ts"
import type { Overlay } from "../../files/ConfigFile.ts"
import * as SecurityLayer from "../../security/SecurityLayer.ts"
import type { KvSource } from "../KvSource.ts"
import * as GrpcConfigOverlay from "./GrpcConfigOverlay.ts"

export interface KvOverlay {
  readonly source: KvSource
  /** The documents over the file, the last counts most; changed in place. */
  readonly texts: Map<string, Option.Option<string>>
}

const backoff = Backoff.capped({ from: "1 second", to: "30 seconds" })

export const keyOfFile = (file: string): string => `config/${path.basename(file)}`

export const make = (source: KvSource): KvOverlay => ({ source, texts: new Map() })

/** Of all keys, or of some. */
export const documents = (
  { texts }: KvOverlay,
  isWanted: (key: string) => boolean = () => true
): ReadonlyArray<Overlay> =>
  [...texts].filter(([key]) => isWanted(key)).flatMap(([key, text]) =>
    Option.toArray(Option.map(text, (text) => ({ name: `key ${key}`, text })))
  )

/** Once, on a connection of its own; a store that does not answer leaves the file as it is, and is told. */
export const readOnce = Effect.fnUntraced(function*({ source, texts }: KvOverlay, key: string) {
  texts.set(key, Option.none())
  yield* ConfigOverlay.use(({ read }) => read(key)).pipe(
    Effect.map((text) => texts.set(key, text)),
    Effect.provide(Layer.provide(GrpcConfigOverlay.layer(source), SecurityLayer.layer)),
    Effect.catch(({ message }) =>
      Effect.logWarning(`The configuration is that of the file until the key-value store answers: ${message}`)
    )
  )
})

/** One element for each time that a document is another one. Never ends. */
export const changes = (overlay: KvOverlay) => followed(overlay, [...overlay.texts.keys()])

/** As `changes`, of these keys alone. */
export const followed = ({ source, texts }: KvOverlay, keys: ReadonlyArray<string>) => {
  const follow = (key: string) => {
    let isAway = false
    return Stream.unwrap(Effect.map(ConfigOverlay, ({ values }) => values(key))).pipe(
      Stream.concat(Stream.fail({ message: `key ${key}: the store has ended the watch` })),
      Stream.tap(() => {
        if (!isAway) return Effect.void
        isAway = false
        return Effect.logInfo(`key ${key} of the key-value store is followed again`)
      }),
      Stream.tapError(({ message }) => {
        if (isAway) return Effect.void
        isAway = true
        return Effect.logWarning(`The key-value store is away, what it said last counts: ${message}`)
      }),
      Stream.retry(backoff),
      // The schedule has no end, which its type cannot say.
      Stream.orDie,
      Stream.filter((text) => {
        const before = Option.flatten(Option.fromNullishOr(texts.get(key)))
        texts.set(key, text)
        return Option.getOrUndefined(before) !== Option.getOrUndefined(text)
      }),
      Stream.map(() => undefined)
    )
  }
  return Stream.mergeAll(keys.map(follow), { concurrency: keys.length }).pipe(
    Stream.provide(GrpcConfigOverlay.layer(source))
  )
}
