import { assert, layer } from "@effect/vitest"
import { Context, Effect, Layer, Option, type Scope } from "effect"
import { SignJWT } from "jose"
import * as Browser from "../support/browser.ts"
import * as IdentityProvider from "../support/identityProvider.ts"
import * as Program from "../support/Program.ts"
import * as SignedInCore from "../support/signedInCore.ts"
import * as SmtpServer from "../support/smtpServer.ts"
import { TestDatabase } from "../support/TestDatabase.ts"

const password = "correct horse battery staple"
/** Of that password, by the bcrypt of the existing system. */
const bcrypt = "$2a$05$abcdefghijklmnopqrstuuFiPhXf1sVd3pCCRO.uVh34H/qI/ZsuS"

const jwtSecret = "a secret that others know"

class Core extends Context.Service<Core, {
  readonly base: string
  readonly command: (...args: ReadonlyArray<string>) => Effect.Effect<string, never, Scope.Scope>
  readonly mails: SmtpServer.SmtpServer
}>()("test/e2e/signIn/Core") {}

const core = Layer.effect(
  Core,
  Effect.gen(function*() {
    const mails = yield* SmtpServer.start
    const [port, providerPort] = [yield* Program.freePort, yield* Program.freePort]
    const issuer = yield* IdentityProvider.start(providerPort, `http://127.0.0.1:${port}/auth/house/callback`)
    const { base, command } = yield* SignedInCore.start({
      port,
      auth: {
        sso_providers: {
          house: { issuer, client_id: IdentityProvider.clientId, client_secret: IdentityProvider.clientSecret }
        },
        local_users: { Admin: bcrypt, viewer: bcrypt, locked: bcrypt },
        jwt_secret: jwtSecret,
        mail: { url: `smtp://127.0.0.1:${mails.port}`, from: "radar@example.org" }
      },
      more: { rbac: { user_roles: { "local:Admin": ["admin"], viewer: ["viewer"] } } }
    })
    return { base, command, mails }
  })
).pipe(Layer.provide(TestDatabase.layer))

const signIn = Effect.fnUntraced(function*(browser: Browser.Browser, name: string, given: string = password) {
  const page = yield* browser.get("/auth/sign-in")
  assert.strictEqual(page.status, 200)
  return yield* browser.submit(page, "/auth/sign-in", { name, password: given })
})

const signedIn = Effect.fnUntraced(function*(base: string, name: string, given: string = password) {
  const browser = Browser.open(base)
  const done = yield* signIn(browser, name, given)
  assert.strictEqual(done.status, 303, done.text)
  return browser
})

const api = (browser: Browser.Browser, path: string, init: RequestInit = {}) =>
  browser.send(`/api/v2${path}`, { ...init, headers: { accept: "application/vnd.api+json", ...init.headers } })

const patch = (
  browser: Browser.Browser,
  type: string,
  id: string,
  action: string,
  headers: Readonly<Record<string, string>>
) =>
  api(browser, `/${type}s/${id}/${action}`, {
    method: "PATCH",
    headers: { "content-type": "application/vnd.api+json", ...headers },
    body: JSON.stringify({ data: { type, id, attributes: {} } })
  })

/** Made by an administrator, who may. */
const added = (admin: Browser.Browser, email: string, role: string) =>
  api(admin, "/users", {
    method: "POST",
    headers: { "content-type": "application/vnd.api+json", "sec-fetch-site": "same-origin" },
    body: JSON.stringify({ data: { type: "user", attributes: { email, role } } })
  })

const idsOf = ({ text }: Browser.Seen): ReadonlyArray<string> =>
  JSON.parse(text).data.map(({ id }: { readonly id: string }) => id)

const auditOf = Effect.fnUntraced(function*(admin: Browser.Browser, query: string) {
  const seen = yield* api(admin, `/audit-entries?sort=at&page[limit]=500&${query}`)
  assert.strictEqual(seen.status, 200, seen.text)
  const entries: ReadonlyArray<{ readonly attributes: Readonly<Record<string, string>> }> = JSON.parse(seen.text).data
  return entries.map(({ attributes }) => attributes)
})

layer(core, { excludeTestServices: true, timeout: "90 seconds" })("The sign-in of core", (it) => {
  it.effect("lets a user of the existing system in, whose password then is kept as ours are", () =>
    Effect.gen(function*() {
      const { base } = yield* Core
      const browser = Browser.open(base)
      const page = yield* browser.get("/auth/sign-in?to=/metrics")
      assert.match(page.headers.get("content-security-policy") ?? "", /default-src 'none'.*frame-ancestors 'none'/)
      assert.strictEqual(page.headers.get("x-content-type-options"), "nosniff")
      assert.strictEqual(page.headers.get("cache-control"), "no-store")
      const done = yield* browser.submit(page, "/auth/sign-in", { name: "ADMIN", password })
      assert.deepStrictEqual([done.status, done.location], [303, "/metrics"])
      const cookie = done.headers.getSetCookie().find((line) => line.startsWith("serviceradar_session=")) ?? ""
      assert.match(cookie, /Max-Age=2592000; Path=\/; HttpOnly; SameSite=Lax$/)
      const account = yield* browser.get("/auth/account")
      assert.include(account.text, "<dd>admin</dd>")
      // The second time it is argon2id that is checked; the audit tells of the change without the hash.
      const again = yield* signedIn(base, "admin")
      for (const email of ["ada@example.org", "eve@example.org"]) {
        assert.strictEqual((yield* added(again, email, "operator")).status, 201)
      }
      const changes = yield* auditOf(again, "filter[resource]=user&filter[actor_name]=admin")
      assert.deepStrictEqual(changes.map(({ action }) => action).slice(0, 3), ["signIn", "setPassword", "signIn"])
    }))

  it.effect("answers every failure alike and after the same time, and audits the reason", () =>
    Effect.gen(function*() {
      const { base } = yield* Core
      const admin = yield* signedIn(base, "admin")
      const attempts = [
        ["nobody@example.org", password, "no such user"],
        ["viewer", "wrong horse battery staple", "the password is wrong"],
        ["ada@example.org", password, "the user has no password"],
        ["viewer", "", "the password is wrong"],
        ["viewer", "x".repeat(190), "the password is wrong"]
      ] as const
      const seen: Array<string> = []
      for (const [name, given, reason] of attempts) {
        const browser = Browser.open(base)
        const began = performance.now()
        const refused = yield* signIn(browser, name, given)
        assert.isAtLeast(performance.now() - began, 400, name)
        assert.strictEqual(refused.status, 401)
        assert.isUndefined(browser.cookies.get("serviceradar_session"))
        seen.push(refused.text.replaceAll(/value="[^"]*"/g, ""))
        const requestId = refused.headers.get("x-request-id") ?? ""
        const entries = yield* auditOf(admin, `filter[request_id]=${requestId}&filter[outcome]=denied`)
        assert.lengthOf(entries, 1)
        assert.include(entries[0]?.["reason"], `${reason} (password, from 127.0.0.1)`)
      }
      assert.lengthOf([...new Set(seen)], 1)
    }))

  it.effect("locks a user after five wrong passwords, until an administrator or a mail helps", () =>
    Effect.gen(function*() {
      const { base } = yield* Core
      const admin = yield* signedIn(base, "admin")
      yield* Effect.forEach(
        Array.from({ length: 5 }),
        () => signIn(Browser.open(base), "locked", "wrong horse battery staple"),
        { concurrency: "unbounded" }
      )
      assert.strictEqual((yield* signIn(Browser.open(base), "locked")).status, 401)
      const [id = ""] = idsOf(yield* api(admin, "/users?filter[email]=locked"))
      const unlocked = yield* patch(admin, "user", id, "unlock", { "sec-fetch-site": "same-origin" })
      assert.strictEqual(unlocked.status, 200, unlocked.text)
      assert.strictEqual((yield* signIn(Browser.open(base), "locked")).status, 303)
    }))

  it.effect("gives a new session with each sign-in, and ends the one before", () =>
    Effect.gen(function*() {
      const { base } = yield* Core
      const browser = yield* signedIn(base, "viewer")
      const first = browser.cookies.get("serviceradar_session") ?? ""
      assert.strictEqual((yield* signIn(browser, "viewer")).status, 303)
      assert.notStrictEqual(browser.cookies.get("serviceradar_session"), first)
      assert.strictEqual((yield* api(browser, "/devices")).status, 200)
      browser.cookies.set("serviceradar_session", first)
      assert.strictEqual((yield* api(browser, "/devices")).status, 401)
    }))

  it.effect("takes a change by cookie from its own pages alone", () =>
    Effect.gen(function*() {
      const { base } = yield* Core
      const admin = yield* signedIn(base, "admin")
      const [id = ""] = idsOf(yield* api(admin, "/users?filter[email]=viewer"))
      for (
        const [headers, status] of [
          [{ "sec-fetch-site": "cross-site", origin: "https://evil.example" }, 401],
          [{ "sec-fetch-site": "same-site" }, 401],
          [{ origin: "https://evil.example" }, 401],
          [{ origin: "null" }, 401],
          [{ "x-csrf-token": "guessed" }, 401],
          [{}, 401],
          [{ origin: base }, 200],
          [{ "sec-fetch-site": "same-origin" }, 200]
        ] as const
      ) {
        const seen = yield* patch(admin, "user", id, "unlock", headers)
        assert.strictEqual(seen.status, status, JSON.stringify(headers))
      }
      const page = yield* admin.get("/auth/account")
      assert.strictEqual(
        (yield* admin.submit(page, "/auth/sign-out", {}, {
          origin: "https://evil.example",
          "sec-fetch-site": "cross-site"
        }))
          .status,
        403
      )
      assert.strictEqual((yield* admin.submit(page, "/auth/sign-out", { form: "guessed" })).status, 403)
      const stranger = Browser.open(base)
      const theirs = yield* stranger.get("/auth/sign-in")
      // The form of another browser, as somebody would have it who lets one sign in as himself.
      const forged = yield* Browser.open(base).submit(theirs, "/auth/sign-in", { name: "viewer", password })
      assert.strictEqual(forged.status, 403)
    }))

  it.effect("goes nowhere else than to this host afterwards", () =>
    Effect.gen(function*() {
      const { base } = yield* Core
      for (const to of ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)"]) {
        const browser = Browser.open(base)
        const page = yield* browser.get(`/auth/sign-in?to=${encodeURIComponent(to)}`)
        const done = yield* browser.submit(page, "/auth/sign-in", { name: "viewer", password })
        assert.strictEqual(done.location, "/auth/account", to)
      }
    }))

  it.effect("ends a session with the sign-out, with another password, and by an administrator", () =>
    Effect.gen(function*() {
      const { base, command } = yield* Core
      const first = Browser.open(base)
      const link = (yield* command("admin", "link", "eve@example.org", "--url", base)).slice(base.length)
      const asked = yield* first.get(link)
      assert.strictEqual((yield* first.submit(asked, "/auth/link/use")).status, 303)
      // Without a password until now, none is asked for.
      const short = yield* first.submit(yield* first.get("/auth/account"), "/auth/password", {
        password: "short",
        repeated: "short"
      })
      assert.strictEqual(short.status, 422)
      assert.include(short.text, "is shorter than 12 bytes")
      const set = yield* first.submit(yield* first.get("/auth/account"), "/auth/password", {
        password,
        repeated: password
      })
      assert.strictEqual(set.status, 303, set.text)

      const second = yield* signedIn(base, "eve@example.org")
      const other = "another horse battery staple"
      const wrong = yield* second.submit(yield* second.get("/auth/account"), "/auth/password", {
        current: "not this one at all",
        password: other,
        repeated: other
      })
      assert.strictEqual(wrong.status, 401)
      const changed = yield* second.submit(yield* second.get("/auth/account"), "/auth/password", {
        current: password,
        password: other,
        repeated: other
      })
      assert.strictEqual(changed.status, 303, changed.text)
      assert.strictEqual((yield* api(first, "/devices")).status, 401)
      assert.strictEqual((yield* api(second, "/devices")).status, 200)

      const admin = yield* signedIn(base, "admin")
      const [user = ""] = idsOf(yield* api(admin, "/users?filter[email]=eve@example.org"))
      const open = idsOf(yield* api(admin, `/sessions?filter[user_id]=${user}&filter[is_valid]=true`))
      assert.lengthOf(open, 1)
      yield* patch(admin, "session", open[0] ?? "", "end", { origin: base })
      assert.strictEqual((yield* api(second, "/devices")).status, 401)

      const third = yield* signedIn(base, "eve@example.org", other)
      const kept = third.cookies.get("serviceradar_session") ?? ""
      const out = yield* third.submit(yield* third.get("/auth/account"), "/auth/sign-out")
      assert.deepStrictEqual([out.status, out.location], [303, "/auth/sign-in"])
      assert.isFalse(third.cookies.has("serviceradar_session"))
      third.cookies.set("serviceradar_session", kept)
      assert.strictEqual((yield* api(third, "/devices")).status, 401)
      assert.strictEqual((yield* third.get("/auth/account")).location, "/auth/sign-in?to=%2Fauth%2Faccount")
    }))

  it.effect("sends a link by mail that a look does not use up, and that is good once", () =>
    Effect.gen(function*() {
      const { base, mails } = yield* Core
      mails.refuse = 1
      const browser = Browser.open(base)
      const page = yield* browser.get("/auth/link")
      const nobody = yield* browser.submit(page, "/auth/link", { email: "nobody@example.org" })
      const asked = yield* browser.submit(page, "/auth/link", { email: "Ada@example.org" })
      assert.strictEqual(asked.status, 200)
      assert.strictEqual(asked.text, nobody.text)
      yield* browser.submit(page, "/auth/link", { email: "ada@example.org" })
      const mail = yield* Program.eventually(
        "the mail is there, though it was not taken at first",
        Effect.sync(() => Option.fromUndefinedOr(mails.received[0])),
        { within: "30 seconds" }
      )
      assert.deepStrictEqual([mail.from, mail.to], ["radar@example.org", ["ada@example.org"]])
      const [link = ""] = /http:\/\/127\.0\.0\.1:\d+\/auth\/link\?t=[\w-]{43}/.exec(mail.text) ?? []
      const path = link.slice(base.length)
      assert.strictEqual((yield* Browser.open(base).get(path)).status, 200)
      const reader = Browser.open(base)
      const done = yield* reader.submit(yield* reader.get(path), "/auth/link/use")
      assert.deepStrictEqual([done.status, done.location], [303, "/auth/account"])
      assert.include((yield* reader.get("/auth/account")).text, "<dd>ada@example.org</dd>")
      const late = Browser.open(base)
      assert.strictEqual((yield* late.submit(yield* late.get(path), "/auth/link/use")).status, 401)
      // Of two that were asked for within a minute one was sent.
      assert.lengthOf(mails.received, 1)
    }))

  it.effect("gives programs of the existing system tokens that are told apart, good once, and end", () =>
    Effect.gen(function*() {
      const { base } = yield* Core
      const program = Browser.open(base)
      const post = (path: string, body: object, headers: Readonly<Record<string, string>> = {}) =>
        program.send(path, {
          method: "POST",
          headers: { "content-type": "application/json", ...headers },
          body: JSON.stringify(body)
        })
      const status = (token: string) =>
        Effect.map(
          program.send("/api/v2/devices", { headers: { authorization: `Bearer ${token}` } }),
          (seen) => seen.status
        )
      const wrong = yield* post("/auth/login", { username: "admin", password: "not this one" })
      const nobody = yield* post("/auth/login", { username: "nobody", password })
      assert.deepStrictEqual([wrong.status, wrong.text], [401, "login failed: invalid credentials\n"])
      assert.deepStrictEqual([nobody.status, nobody.text], [wrong.status, wrong.text])
      assert.strictEqual((yield* post("/auth/login", { username: "admin" })).status, 400)

      const login = yield* post("/auth/login", { username: "admin", password })
      assert.strictEqual(login.status, 200, login.text)
      const first = JSON.parse(login.text)
      assert.deepStrictEqual(Object.keys(first), ["access_token", "refresh_token", "expires_at"])
      assert.strictEqual(yield* status(first.access_token), 200)
      assert.strictEqual(yield* status(first.refresh_token), 401)
      assert.strictEqual((yield* post("/auth/refresh", { refresh_token: first.access_token })).status, 401)

      const claims = JSON.parse(Buffer.from(first.access_token.split(".")[1], "base64url").toString())
      assert.deepInclude(claims, { email: "admin", provider: "local", roles: ["admin"] })
      const key = new TextEncoder().encode(jwtSecret)
      const forged = yield* Effect.promise(() => new SignJWT(claims).setProtectedHeader({ alg: "HS512" }).sign(key))
      const later = { ...claims, iat: claims.iat + 3600, exp: claims.exp + 3600 }
      const future = yield* Effect.promise(() => new SignJWT(later).setProtectedHeader({ alg: "HS256" }).sign(key))
      const { exp: _, ...endless } = claims
      const forever = yield* Effect.promise(() => new SignJWT(endless).setProtectedHeader({ alg: "HS256" }).sign(key))
      const unsigned = `${Buffer.from("{\"alg\":\"none\"}").toString("base64url")}.${first.access_token.split(".")[1]}.`
      for (const token of [forged, future, forever, unsigned, "nonsense"]) assert.strictEqual(yield* status(token), 401)

      const renewed = JSON.parse((yield* post("/auth/refresh", { refresh_token: first.refresh_token })).text)
      assert.strictEqual(yield* status(renewed.access_token), 200)
      const again = yield* post("/auth/refresh", { refresh_token: first.refresh_token })
      assert.deepStrictEqual([again.status, again.text], [401, "token refresh failed\n"])
      // Of two that showed the same one is a thief: neither goes on.
      assert.strictEqual(yield* status(renewed.access_token), 401)
      assert.strictEqual((yield* post("/auth/refresh", { refresh_token: renewed.refresh_token })).status, 401)

      const last = JSON.parse((yield* post("/auth/login", { username: "admin", password })).text)
      const bearer = { authorization: `Bearer ${last.access_token}` }
      assert.strictEqual((yield* post("/auth/logout", {}, bearer)).status, 200)
      assert.strictEqual(yield* status(last.access_token), 401)
      assert.deepStrictEqual(JSON.parse((yield* program.get("/auth/jwks.json")).text), { keys: [] })
      assert.include((yield* program.get("/.well-known/openid-configuration")).text, `${base}/auth/jwks.json`)
      assert.strictEqual((yield* program.get("/auth/status")).text, "{\"signed_in\":false}")
    }))

  it.effect("lets somebody in whose mail address a provider has verified, once for each that was begun", () =>
    Effect.gen(function*() {
      const { base } = yield* Core
      const browser = Browser.open(base)
      assert.include((yield* browser.get("/auth/sign-in")).text, "href=\"/auth/house?to=%2Fauth%2Faccount\"")
      const visit = Effect.fnUntraced(function*(who: Browser.Browser, name: string) {
        const begun = yield* who.get("/auth/house?to=/metrics")
        assert.strictEqual(begun.status, 303, begun.text)
        return (yield* Browser.cameBack(begun.location ?? "", name, "/auth/house/callback")).slice(base.length)
      })
      const back = yield* visit(browser, "ada")
      // Whoever else has the address, from a log or as a trap, gets nothing by it.
      assert.strictEqual((yield* Browser.open(base).get(back)).status, 502)
      assert.strictEqual((yield* browser.get(back)).status, 502)
      const done = yield* browser.get(yield* visit(browser, "ada"))
      assert.deepStrictEqual([done.status, done.location], [303, "/metrics"], done.text)
      assert.include((yield* browser.get("/auth/account")).text, "<dd>ada@example.org</dd>")
      for (const name of ["mallory", "stranger"]) {
        const other = Browser.open(base)
        const refused = yield* other.get(yield* visit(other, name))
        assert.strictEqual(refused.status, 401)
        assert.isFalse(other.cookies.has("serviceradar_session"))
      }
    }))
})
