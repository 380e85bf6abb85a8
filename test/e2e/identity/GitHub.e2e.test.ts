/** Signing in with a GitHub: OAuth 2.0 without OpenID Connect, against a provider that is a process of its own. */
import { assert, layer } from "@effect/vitest"
import { Context, Effect, Layer } from "effect"
import * as Browser from "../../support/browser.ts"
import * as GitHubServer from "../../support/gitHubServer.ts"
import * as Program from "../../support/Program.ts"
import * as SignedInCore from "../../support/signedInCore.ts"
import { TestDatabase } from "../../support/TestDatabase.ts"

class Core extends Context.Service<Core, { readonly base: string }>()("test/e2e/identity/GitHub/Core") {}

const core = Layer.effect(
  Core,
  Effect.gen(function*() {
    const [port, providerPort] = [yield* Program.freePort, yield* Program.freePort]
    const issuer = yield* GitHubServer.start(providerPort, `http://127.0.0.1:${port}/auth/octo/callback`)
    const { base, command } = yield* SignedInCore.start({
      port,
      auth: {
        sso_providers: {
          octo: { kind: "github", issuer, client_id: GitHubServer.clientId, client_secret: GitHubServer.clientSecret },
          // Known by its name: nobody asks it here.
          github: { client_id: "x", client_secret: "y" }
        }
      }
    })
    yield* command("user", "add", "ada@example.org", "--role", "operator")
    return { base }
  })
).pipe(Layer.provide(TestDatabase.layer))

layer(core, { excludeTestServices: true, timeout: "90 seconds" })("Signing in with GitHub", (it) => {
  it.effect("lets in whose first mail address it has verified, and who is a user here, once for each that was begun", () =>
    Effect.gen(function*() {
      const { base } = yield* Core
      const browser = Browser.open(base)
      const page = yield* browser.get("/auth/sign-in")
      assert.include(page.text, "href=\"/auth/octo?to=%2Fauth%2Faccount\"")
      const visit = Effect.fnUntraced(function*(who: Browser.Browser, name: string) {
        const begun = yield* who.get("/auth/octo?to=/metrics")
        assert.strictEqual(begun.status, 303, begun.text)
        const asked = new URL(begun.location ?? "").searchParams
        assert.deepStrictEqual([asked.get("scope"), asked.get("code_challenge_method"), asked.has("nonce")], [
          "user:email",
          "S256",
          false
        ])
        return (yield* Browser.cameBack(begun.location ?? "", name, "/auth/octo/callback")).slice(base.length)
      })
      const back = yield* visit(browser, "ada")
      // Whoever else has the address gets nothing by it, and neither then does the browser that began.
      assert.strictEqual((yield* Browser.open(base).get(back)).status, 502)
      assert.strictEqual((yield* browser.get(back)).status, 502)
      const done = yield* browser.get(yield* visit(browser, "ada"))
      assert.deepStrictEqual([done.status, done.location], [303, "/metrics"], done.text)
      assert.include((yield* browser.get("/auth/account")).text, "<dd>ada@example.org</dd>")
      for (const name of ["mallory", "stranger"]) {
        const other = Browser.open(base)
        assert.strictEqual((yield* other.get(yield* visit(other, name))).status, 401, name)
        assert.isFalse(other.cookies.has("serviceradar_session"))
      }
      // No first address, no list, and one without an end: nobody signs in, and core goes on.
      for (const name of ["shy", "garbled", "endless"]) {
        const other = Browser.open(base)
        assert.strictEqual((yield* other.get(yield* visit(other, name))).status, 502, name)
        assert.isFalse(other.cookies.has("serviceradar_session"))
      }
    }))

  it.effect("sends the browser to github.com where nothing else is said", () =>
    Effect.gen(function*() {
      const { base } = yield* Core
      const begun = yield* Browser.open(base).get("/auth/github")
      const address = new URL(begun.location ?? "")
      assert.strictEqual(`${address.origin}${address.pathname}`, "https://github.com/login/oauth/authorize")
      assert.strictEqual(address.searchParams.get("redirect_uri"), `${base}/auth/github/callback`)
    }))
})
