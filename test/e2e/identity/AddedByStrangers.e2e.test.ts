/** Who is added by strangers before the first sign-in is nobody by that: whose address it is says as whom to sign in. */
import { assert, layer } from "@effect/vitest"
import { Context, Effect, Layer, Option } from "effect"
import * as Browser from "../../support/browser.ts"
import * as GitHubServer from "../../support/gitHubServer.ts"
import * as Program from "../../support/Program.ts"
import * as SignedInCore from "../../support/signedInCore.ts"
import * as SmtpServer from "../../support/smtpServer.ts"
import { TestDatabase } from "../../support/TestDatabase.ts"

class Core extends Context.Service<Core, {
  readonly base: string
  readonly mails: SmtpServer.SmtpServer
  readonly program: Program.Program
}>()("test/e2e/identity/AddedByStrangers/Core") {}

const core = Layer.effect(
  Core,
  Effect.gen(function*() {
    const mails = yield* SmtpServer.start
    const [port, providerPort] = [yield* Program.freePort, yield* Program.freePort]
    const issuer = yield* GitHubServer.start(providerPort, `http://127.0.0.1:${port}/auth/octo/callback`)
    const { base, command, program } = yield* SignedInCore.start({
      port,
      auth: {
        mail: { url: `smtp://127.0.0.1:${mails.port}`, from: "radar@example.org" },
        sso_providers: {
          octo: { kind: "github", issuer, client_id: GitHubServer.clientId, client_secret: GitHubServer.clientSecret }
        }
      }
    })
    // The strangers are always the first.
    for (const tenant of ["strangers", "house"]) {
      yield* command("tenant", "add", tenant)
      for (const name of ["ada", "grace"]) yield* command("user", "add", `${name}@example.org`, "--tenant", tenant)
    }
    return { base, mails, program }
  })
).pipe(Layer.provide(TestDatabase.layer))

/** Of whoever has signed in. */
const tenantIn = (browser: Browser.Browser) =>
  Effect.map(browser.get("/api/v2/tenants"), ({ text }) => JSON.parse(text).data[0].attributes.slug)

layer(core, { excludeTestServices: true, timeout: "90 seconds" })("An address that strangers have added", (it) => {
  it.effect("gets one mail with a link for each tenant, and is one's own after the first sign-in", () =>
    Effect.gen(function*() {
      const { base, mails, program } = yield* Core
      const browser = Browser.open(base)
      const form = yield* browser.get("/auth/link")
      const asked = yield* browser.submit(form, "/auth/link", { email: "grace@example.org" })
      assert.strictEqual(asked.status, 200, asked.text)
      const { text } = yield* Program.eventually(
        "the mail is there",
        Effect.sync(() => Option.fromUndefinedOr(mails.received[0])),
        { within: "30 seconds", programs: [program] }
      )
      const found = [...text.matchAll(/^(\S+\/grace@example\.org)\r?\nhttp:\/\/[^/]+(\/auth\/link\?t=[\w-]{43})/gm)]
      assert.deepStrictEqual(found.map(([, name]) => name), ["strangers/grace@example.org", "house/grace@example.org"])
      const [, , ofHouse = ""] = found[1] ?? []
      const signedIn = yield* browser.submit(yield* browser.get(ofHouse), "/auth/link/use")
      assert.strictEqual(signedIn.status, 303, signedIn.text)
      assert.strictEqual(yield* tenantIn(browser), "house")
      assert.lengthOf(mails.received, 1)
    }))

  it.effect("is asked as whom to sign in when it comes from a provider, once", () =>
    Effect.gen(function*() {
      const { base } = yield* Core
      const visit = Effect.fnUntraced(function*(browser: Browser.Browser) {
        const begun = yield* browser.get("/auth/octo?to=/metrics")
        const back = yield* Browser.cameBack(begun.location ?? "", "ada", "/auth/octo/callback")
        return yield* browser.get(back.slice(base.length))
      })
      const browser = Browser.open(base)
      const page = yield* visit(browser)
      assert.strictEqual(page.status, 200, page.text)
      assert.isFalse(browser.cookies.has("serviceradar_session"))
      const choices = [...page.text.matchAll(/name="token" value="([\w-]{43})">\s*<button type="submit">([^<]+)</g)]
      assert.deepStrictEqual(choices.map(([, , name]) => name), ["strangers/ada@example.org", "house/ada@example.org"])
      const [, token = ""] = choices[1] ?? []
      const signedIn = yield* browser.submit(page, "/auth/link/use", { token })
      assert.strictEqual(signedIn.status, 303, signedIn.text)
      assert.strictEqual(yield* tenantIn(browser), "house")
      const thief = Browser.open(base)
      const used = yield* thief.submit(yield* thief.get(`/auth/link?t=${token}`), "/auth/link/use")
      assert.strictEqual(used.status, 401, used.text)
      // The address by itself is hers of the house from now on.
      const later = Browser.open(base)
      assert.strictEqual((yield* visit(later)).location, "/metrics")
      assert.strictEqual(yield* tenantIn(later), "house")
    }))
})
