/**
 * One agent's sweep config as a file: targets as they come, then the networks, with the hash of it all.
 *
 * Lists that are empty are left out, as Go does; without any entry there is no document at all.
 */
import { Effect } from "effect"
import * as crypto from "node:crypto"
import * as GoJson from "../../domain/inventory/GoJson.ts"
import * as ChunkFile from "./ChunkFile.ts"

const flushBytes = 256 * 1024

export const writer = Effect.fnUntraced(function*(path: string) {
  const file = yield* ChunkFile.openFile(path, "w")
  const hash = crypto.createHash("sha256")
  let pending: Array<string> = []
  let pendingLength = 0
  let bytes = 0
  const counts = { targets: 0, networks: 0 }

  const flush = Effect.suspend(() => {
    const text = Buffer.from(pending.join(""))
    pending = []
    pendingLength = 0
    bytes += text.length
    hash.update(text)
    return file.write(text)
  })

  const write = (text: string) => {
    pending.push(text)
    pendingLength += text.length
    return pendingLength >= flushBytes ? flush : Effect.void
  }

  return {
    targets: Effect.fnUntraced(function*(elements: ReadonlyArray<string>) {
      for (const element of elements) {
        yield* write(`${counts.targets === 0 ? "{\"device_targets\":[" : ","}${element}`)
        counts.targets += 1
      }
    }),
    /** After the last target. */
    networks: Effect.fnUntraced(function*(networks: ReadonlyArray<string>) {
      for (const network of networks) {
        const opening = counts.targets === 0 ? "{\"networks\":[" : "],\"networks\":["
        yield* write(`${counts.networks === 0 ? opening : ","}${GoJson.string(network)}`)
        counts.networks += 1
      }
    }),
    end: Effect.gen(function*() {
      const isEmpty = counts.targets + counts.networks === 0
      if (isEmpty) return { ...counts, sha256: "", bytes: 0 }
      yield* write("]}")
      yield* flush
      yield* file.sync
      return { ...counts, sha256: hash.digest("hex"), bytes }
    })
  }
})
