/** Where agents' sweep configs are kept: a bucket of keys and one of objects, as models behind the network. */
import { Effect, Layer, Option, Stream } from "effect"
import type { Exchange } from "../../../src/services/simulation/Exchange.ts"
import { KvModel } from "../../../src/services/simulation/KvModel.ts"
import {
  type StoredObject,
  SweepConfigStore,
  SweepConfigStoreError
} from "../../../src/services/sync/SweepConfigStore.ts"

type Request =
  | { readonly _tag: "Read" | "Stat" | "Remove"; readonly key: string }
  | { readonly _tag: "Put"; readonly key: string; readonly value: string }
  | { readonly _tag: "Upload"; readonly key: string; readonly object: StoredObject }

interface Answer {
  readonly value?: string
  readonly object?: StoredObject
}

export type SweepExchange = Exchange<Request, Answer>

type OnValue = (value: string, objects: ReadonlyMap<string, StoredObject>) => void

export class SweepStoreModel {
  readonly keys: KvModel
  readonly objects = new Map<string, StoredObject>()
  readonly #onValue: OnValue

  /** `onValue` is told of each value before anybody can read it, and of those that are there when an object goes. */
  constructor(nowMillis: () => number, onValue: OnValue) {
    this.#onValue = onValue
    this.keys = new KvModel({ nowMillis })
    this.keys.watch(({ value }) => onValue(value, this.objects))
  }

  readonly handle = (request: Request): Effect.Effect<Answer> =>
    Effect.sync(() => {
      switch (request._tag) {
        case "Read": {
          const entry = this.keys.get(request.key)
          return entry === undefined ? {} : { value: entry.value }
        }
        case "Put":
          this.keys.put(request.key, request.value)
          return {}
        case "Stat": {
          const object = this.objects.get(request.key)
          return object === undefined ? {} : { object }
        }
        case "Upload":
          this.objects.set(request.key, request.object)
          return { object: request.object }
        case "Remove":
          this.objects.delete(request.key)
          for (const key of this.keys.keys()) this.#onValue(this.keys.get(key)?.value ?? "", this.objects)
          return {}
      }
    })
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()

export const layer = (exchange: SweepExchange, host: string) =>
  Layer.effect(
    SweepConfigStore,
    Effect.map(exchange.client(host), (client) => {
      const ask = (step: string, request: Request) =>
        client.ask(request).pipe(
          Effect.mapError(({ detail }) => new SweepConfigStoreError({ step, key: request.key, detail })),
          Effect.timeoutOrElse({
            duration: "10 seconds",
            orElse: () => Effect.fail(new SweepConfigStoreError({ step, key: request.key, detail: "no answer" }))
          })
        )
      return SweepConfigStore.of({
        read: (key) =>
          Effect.map(
            ask("reading", { _tag: "Read", key }),
            ({ value }) => Option.map(Option.fromUndefinedOr(value), (text) => encoder.encode(text))
          ),
        put: (key, value) => Effect.asVoid(ask("writing", { _tag: "Put", key, value: decoder.decode(value) })),
        stat: (key) =>
          Effect.map(ask("looking", { _tag: "Stat", key }), ({ object }) => Option.fromUndefinedOr(object)),
        upload: ({ content, key, sha256 }) =>
          Effect.flatMap(Stream.runFold(content, () => 0, (sum, piece) => sum + piece.length), (bytes) =>
            Effect.as(
              ask("uploading", { _tag: "Upload", key, object: { bytes, sha256, chunks: 1 } }),
              { bytes, sha256, chunks: 1 }
            )),
        removeObject: (key) => Effect.asVoid(ask("removing", { _tag: "Remove", key }))
      })
    })
  )
