/** Two cores on one database: what one of them ends, the other takes for a second more at most. */
import { assert, layer } from "@effect/vitest"
import { Effect, Option } from "effect"
import * as Browser from "../../support/browser.ts"
import * as Program from "../../support/Program.ts"
import * as SignedInCore from "../../support/signedInCore.ts"
import { TestDatabase } from "../../support/TestDatabase.ts"

const statusOf = (base: string, token: string) =>
  Effect.promise(async (signal) =>
    (await fetch(`${base}/api/v2/devices`, { signal, headers: { authorization: `Bearer ${token}` } })).status
  )

/** How long it was after now until the answer was no more. */
const refusedAfter = Effect.fnUntraced(function*(base: string, token: string) {
  const began = performance.now()
  yield* Program.eventually(
    "the token is refused",
    Effect.map(statusOf(base, token), (status) => status === 401 ? Option.some(status) : Option.none()),
    { within: "10 seconds" }
  )
  return performance.now() - began
})

/** A second, and what a request and the pause between two of them take. */
const allowedMillis = 1500

layer(TestDatabase.layer, { excludeTestServices: true, timeout: "90 seconds" })("A token", (it) => {
  it.effect(
    "that another process has revoked is refused within a second, though it is used all the time",
    () =>
      Effect.gen(function*() {
        const one = yield* SignedInCore.start()
        const other = yield* SignedInCore.start()
        yield* one.command("user", "add", "root@example.org", "--role", "admin")
        const admin = yield* one.command("token", "create", "root@example.org", "--scope", "admin")
        yield* one.command("user", "add", "ada@example.org", "--role", "operator")
        const patch = Effect.fnUntraced(function*(path: string, type: string) {
          const [, id = ""] = path.split("/")
          const status = yield* Effect.promise(async (signal) =>
            (await fetch(`${one.base}/api/v2/${path}`, {
              method: "PATCH",
              signal,
              headers: { authorization: `Bearer ${admin}`, "content-type": "application/vnd.api+json" },
              body: JSON.stringify({ data: { type, id, attributes: {} } })
            })).status
          )
          assert.strictEqual(status, 200, path)
        })
        const first = yield* Browser.open(one.base).send("/api/v2/api-tokens", { headers: { "x-api-key": admin } })
        const known: ReadonlyArray<{ readonly id: string }> = JSON.parse(first.text).data

        const token = yield* one.command("token", "create", "ada@example.org", "--scope", "write")
        const all = yield* Browser.open(one.base).send("/api/v2/api-tokens", { headers: { "x-api-key": admin } })
        const made: ReadonlyArray<{ readonly id: string }> = JSON.parse(all.text).data
        const own = made.find(({ id }) => !known.some((before) => before.id === id))
        assert.strictEqual(yield* statusOf(one.base, token), 200)
        assert.strictEqual(yield* statusOf(other.base, token), 200)
        yield* patch(`api-tokens/${own?.id}/revoke`, "api-token")
        // The one that did it knows at once.
        assert.strictEqual(yield* statusOf(one.base, token), 401)
        assert.isBelow(yield* refusedAfter(other.base, token), allowedMillis)
        assert.strictEqual(yield* statusOf(other.base, token), 401)
      }),
    90_000
  )
})
