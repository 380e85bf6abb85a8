/**
 * The model of a bucket of keys and one of a nats-server answer the same to the same histories.
 *
 * The model's time stands still but for waits, after which everything is too old where there is a limit.
 */
import { assert, describe, it } from "@effect/vitest"
import { type KV, Kvm } from "@nats-io/kv"
import { Effect } from "effect"
import type { Seeded } from "../../../../src/domain/simulation/Seeded.ts"
import { NatsConnection } from "../../../../src/layers/nats/connection/NatsConnection.ts"
import { KvModel } from "../../../../src/services/simulation/KvModel.ts"
import * as natsClient from "../../../support/natsClient.ts"
import * as natsServer from "../../../support/natsServer.ts"
import * as Histories from "./Histories.ts"

const ttlMillis = 2_000
const waitMillis = 2_800
const slowMillis = 1_500
const historiesAtOnce = 30

const kinds: ReadonlyArray<readonly [number, "put" | "create" | "update" | "delete" | "deleteAt" | "get" | "keys"]> = [
  [3, "put"],
  [3, "create"],
  [4, "update"],
  [2, "delete"],
  [1, "deleteAt"],
  [3, "get"],
  [1, "keys"]
]

const stepOf = (random: Seeded) => ({
  kind: Histories.pick(random, kinds),
  key: `k${random.between(0, 3)}`,
  value: `v${random.between(0, 9)}`,
  /** How far behind the latest revision the one that is told is. */
  behind: random.between(0, 4)
})
type Step = ReturnType<typeof stepOf>

const historyOf = (seed: number) => {
  const random = Histories.randomOf("kv", seed)
  const hasTtl = random.chance(0.5)
  return { hasTtl, parts: Histories.draw(random, hasTtl ? 2 : 1, 3, (inner) => Histories.draw(inner, 3, 20, stepOf)) }
}
type History = ReturnType<typeof historyOf>

const listOf = (names: ReadonlyArray<string>) => `[${names.toSorted().join(" ")}]`

const modelled = ({ hasTtl, parts }: History): ReadonlyArray<string> => {
  let now = 0
  const model = new KvModel({ nowMillis: () => now, ...(hasTtl ? { ttlMillis } : {}) })
  let latest = 0
  model.watch(({ revision }) => {
    latest = revision
  })
  const answer = ({ behind, key, kind, value }: Step): string => {
    switch (kind) {
      case "put":
        return `${model.put(key, value)}`
      case "create":
        return `${model.create(key, value) ?? "refused"}`
      case "update":
        return `${model.update(key, value, Math.max(1, latest - behind)) ?? "refused"}`
      case "delete":
        return `${model.delete(key)}`
      case "deleteAt":
        return model.delete(key, Math.max(1, latest - behind)) ? "true" : "refused"
      case "get": {
        const entry = model.get(key)
        return entry === undefined ? "none" : `${entry.value} at ${entry.revision}`
      }
      case "keys":
        return listOf(model.keys())
    }
  }
  return parts.flatMap((steps) => {
    const answers = steps.map((step) => `${step.kind} ${step.key}: ${answer(step)}`)
    now += waitMillis
    return answers
  })
}

const refusedIfWrong = async (run: () => Promise<string>): Promise<string> => {
  try {
    return await run()
  } catch (cause) {
    if (/wrong last sequence/.test(String(cause))) return "refused"
    throw cause
  }
}

const really = async (bucket: KV, { hasTtl, parts }: History): Promise<ReadonlyArray<string> | undefined> => {
  let latest = 0
  const note = (revision: number): string => {
    latest = revision
    return `${revision}`
  }
  const answer = async ({ behind, key, kind, value }: Step): Promise<string> => {
    switch (kind) {
      case "put":
        return note(await bucket.put(key, value))
      case "create":
        return refusedIfWrong(async () => note(await bucket.create(key, value)))
      case "update":
        return refusedIfWrong(async () => note(await bucket.update(key, value, Math.max(1, latest - behind))))
      case "delete":
      case "deleteAt":
        return refusedIfWrong(async () => {
          await bucket.delete(key, kind === "delete" ? {} : { previousSeq: Math.max(1, latest - behind) })
          latest += 1
          return "true"
        })
      case "get": {
        const entry = await bucket.get(key)
        return entry === null || entry.operation !== "PUT" ? "none" : `${entry.string()} at ${entry.revision}`
      }
      case "keys": {
        const names: Array<string> = []
        for await (const name of await bucket.keys()) names.push(name)
        return listOf(names)
      }
    }
  }
  const answers: Array<string> = []
  for (const [part, steps] of parts.entries()) {
    const beganMillis = performance.now()
    for (const step of steps) answers.push(`${step.kind} ${step.key}: ${await answer(step)}`)
    if (hasTtl && performance.now() - beganMillis > slowMillis) return undefined
    if (hasTtl && part < parts.length - 1) await new Promise((resolve) => setTimeout(resolve, waitMillis))
  }
  return answers
}

describe("A bucket of keys", () => {
  it.live("is modelled as a nats-server answers", () =>
    Effect.gen(function*() {
      const server = yield* natsServer.start()
      yield* Effect.gen(function*() {
        const { js } = yield* Effect.flatMap(NatsConnection, natsClient.ready)
        yield* Effect.forEach(Histories.seeds, (seed) =>
          Effect.gen(function*() {
            const history = historyOf(seed)
            for (let attempt = 0; attempt < 5; attempt += 1) {
              const real = yield* Effect.promise(async () => {
                const bucket = await new Kvm(js).create(`b${seed}-${attempt}`, {
                  history: 1,
                  ...(history.hasTtl ? { ttl: ttlMillis } : {})
                })
                const answers = await really(bucket, history)
                await bucket.destroy()
                return answers
              })
              if (real === undefined) continue
              assert.deepStrictEqual(modelled(history), real, `seed ${seed}`)
              return
            }
            assert.fail(`seed ${seed}: the server is too slow`)
          }), { concurrency: historiesAtOnce, discard: true })
      }).pipe(Effect.provide(natsClient.layer(server.url)))
    }).pipe(Effect.scoped), Histories.timeoutMillis)
})
