/** Two tenants whose people have the same mail address: neither learns of the other, and each signs in to its own. */
import { assert, layer } from "@effect/vitest"
import { Effect, Exit } from "effect"
import * as Browser from "../../support/browser.ts"
import * as SignedInCore from "../../support/signedInCore.ts"
import { TestDatabase } from "../../support/TestDatabase.ts"

const [first, second] = ["the first of two passwords", "the second of two passwords"]

layer(TestDatabase.layer, { excludeTestServices: true, timeout: "90 seconds" })("One address in two tenants", (it) => {
  it.effect(
    "is free in each, means whoever has signed in first, and with the tenant's name the other",
    () =>
      Effect.gen(function*() {
        const { base, command, config } = yield* SignedInCore.start()
        yield* command("tenant", "add", "acme")
        yield* command("user", "add", "ada@example.org", "--role", "admin")
        yield* command("user", "add", "bob@acme.example", "--role", "admin", "--tenant", "acme")
        const tokenOf = (who: string) => command("token", "create", who, "--scope", "admin")
        const ask = (token: string, path: string, email?: string) =>
          Effect.promise(async (signal) => {
            const response = await fetch(`${base}/api/v2/${path}`, {
              method: email === undefined ? "GET" : "POST",
              signal,
              headers: { authorization: `Bearer ${token}`, "content-type": "application/vnd.api+json" },
              ...(email === undefined
                ? {}
                : { body: JSON.stringify({ data: { type: "user", attributes: { email } } }) })
            })
            return { status: response.status, body: JSON.parse(await response.text()) }
          })
        const bob = yield* tokenOf("bob@acme.example")
        assert.strictEqual((yield* ask(bob, "users", "ada@example.org")).status, 201)
        assert.strictEqual((yield* ask(bob, "users", "free@example.org")).status, 201)
        assert.strictEqual((yield* ask(bob, "users", "ADA@example.org")).status, 409)

        for (
          const odd of ["default/ada@example.org", "ada@example.org\r\nbcc: eve@example.org", " eve@example.org", "@"]
        ) {
          assert.strictEqual((yield* ask(bob, "users", odd)).status, 422, odd)
        }

        const tenantOf = (who: string) =>
          Effect.map(
            Effect.flatMap(tokenOf(who), (token) => ask(token, "tenants")),
            ({ body }) => body.data[0].attributes.slug
          )
        // Nobody has signed in: to be added by somebody gives nobody the name.
        const unclear = yield* Effect.exit(command("token", "create", "ada@example.org"))
        assert.isTrue(Exit.isFailure(unclear))
        assert.include(String(unclear), "default/ada@example.org, acme/ada@example.org")
        assert.strictEqual(yield* tenantOf("default/ada@example.org"), "default")
        assert.strictEqual(yield* tenantOf("acme/ada@example.org"), "acme")

        const choose = Effect.fnUntraced(function*(who: string, password: string, current?: string) {
          const browser = Browser.open(base)
          const link = new URL(yield* command("admin", "link", who, "--config", config))
          assert.strictEqual(link.origin, base)
          yield* browser.submit(yield* browser.get(`${link.pathname}${link.search}`), "/auth/link/use")
          const account = yield* browser.get("/auth/account")
          const set = yield* browser.submit(account, "/auth/password", {
            password,
            repeated: password,
            ...(current === undefined ? {} : { current })
          })
          assert.strictEqual(set.status, 303, set.text)
        })
        yield* choose("default/ada@example.org", first)
        assert.strictEqual(yield* tenantOf("ada@example.org"), "default")
        yield* choose("acme/ada@example.org", "a password for a moment only")
        const stale = new URL(yield* command("admin", "link", "acme/ada@example.org", "--url", base))
        // Shown once more it is the password of whoever has signed in, not of the namesake.
        yield* choose("acme/ada@example.org", second, "a password for a moment only")
        // A link that somebody else has is worth nothing once the password is another.
        const thief = Browser.open(base)
        const used = yield* thief.submit(yield* thief.get(`${stale.pathname}${stale.search}`), "/auth/link/use")
        assert.strictEqual(used.status, 401, used.text)
        const login = (username: string, password: string) =>
          Effect.promise(async (signal) => {
            const body = JSON.stringify({ username, password })
            return (await fetch(`${base}/auth/login`, { method: "POST", body, signal })).status
          })
        assert.deepStrictEqual(
          [
            yield* login("ada@example.org", first),
            yield* login("ada@example.org", second),
            yield* login("acme/ada@example.org", second),
            yield* login("acme/ADA@example.org", first),
            yield* login("default/ada@example.org", first),
            yield* login("nowhere/ada@example.org", first)
          ],
          [200, 401, 200, 401, 200, 401]
        )
      }),
    { timeout: 120_000 }
  )
})
