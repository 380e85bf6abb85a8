/**
 * OWASP API Security Top 10 (2023) against a running core, over HTTP and with nothing else: a group for each item that applies.
 * Which do not, and what else holds for each, is in docs/security.md.
 */
import { assert, layer } from "@effect/vitest"
import { Context, Effect, Layer, Option, type Scope } from "effect"
import { SignJWT, UnsecuredJWT } from "jose"
import * as fs from "node:fs/promises"
import * as net from "node:net"
import * as path from "node:path"
import * as Browser from "../../support/browser.ts"
import * as Canary from "../../support/canary.ts"
import * as DatabaseSession from "../../support/databaseSession.ts"
import * as Program from "../../support/Program.ts"
import * as SignedInCore from "../../support/signedInCore.ts"
import * as SmtpServer from "../../support/smtpServer.ts"
import { temporaryFolder } from "../../support/temporaryFolder.ts"
import { TestDatabase } from "../../support/TestDatabase.ts"

const password = "correct horse battery staple"
/** Of that password, by the bcrypt of the existing system. */
const bcrypt = "$2a$05$abcdefghijklmnopqrstuuFiPhXf1sVd3pCCRO.uVh34H/qI/ZsuS"
const jwtSecret = "a secret that others know"
const mediaType = "application/vnd.api+json"
const otherTenant = "7d9a1c1e-3b43-4c9b-8f0e-0c52a3b5d111"

type Role = "viewer" | "operator" | "admin"

class Core extends Context.Service<Core, {
  readonly base: string
  readonly port: number
  readonly tokens: Readonly<Record<Role | "readOnly" | "writer", string>>
  readonly command: (...args: ReadonlyArray<string>) => Effect.Effect<string, never, Scope.Scope>
  readonly mails: SmtpServer.SmtpServer
  /** Nobody has a reason to ask it. */
  readonly inside: Canary.Canary
}>()("test/e2e/owasp/Core") {}

/** A provider that says what it likes, by the first part of the path. */
const provider = (inside: string): Canary.Answers => (request, response) => {
  const [, which = ""] = (request.url ?? "").split("/")
  const json = (body: unknown) =>
    void response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(body))
  switch (which) {
    case "html":
      return void response.writeHead(200, { "content-type": "text/html" }).end("<html><script>alert(1)</script>")
    case "other":
      return json({ issuer: "https://somebody.example", authorization_endpoint: inside, token_endpoint: inside })
    case "moved":
      return void response.writeHead(302, { location: `${inside}/latest/meta-data` }).end()
    case "endless": {
      response.writeHead(200, { "content-type": "application/json" })
      const more = (): void => {
        while (response.writable && response.write(" ".repeat(65_536)));
        response.once("drain", more)
      }
      return more()
    }
    default:
      return void response.writeHead(500).end("\0\0\0")
  }
}

const core = Layer.effect(
  Core,
  Effect.gen(function*() {
    const mails = yield* SmtpServer.start
    const inside = yield* Canary.start()
    const liar = yield* Canary.start(provider(inside.base))
    const port = yield* Program.freePort
    const client = { client_id: "radar", client_secret: "secret" }
    const { base, command } = yield* SignedInCore.start({
      port,
      auth: {
        sso_providers: Object.fromEntries(
          ["html", "other", "moved", "endless", "broken"].map((
            name
          ) => [name, { issuer: `${liar.base}/${name}`, ...client }])
        ),
        local_users: { boss: bcrypt, looker: bcrypt, locked: bcrypt, victim: bcrypt },
        rbac: { user_roles: { boss: ["admin"] } },
        jwt_secret: jwtSecret,
        mail: { url: `smtp://127.0.0.1:${mails.port}`, from: "radar@example.org" }
      }
    })
    const tokenOf = Effect.fnUntraced(function*(role: Role) {
      yield* command("user", "add", `${role}@example.org`, "--role", role)
      return yield* command("token", "create", `${role}@example.org`, "--scope", "admin")
    })
    const tokens = {
      viewer: yield* tokenOf("viewer"),
      operator: yield* tokenOf("operator"),
      admin: yield* tokenOf("admin"),
      readOnly: yield* command("token", "create", "admin@example.org", "--scope", "read"),
      writer: yield* command("token", "create", "admin@example.org", "--scope", "write")
    }
    const sql = yield* DatabaseSession.session((yield* TestDatabase).url)
    yield* sql.unsafe(
      `insert into serviceradar_control.tenants (id, name, slug, status, plan, max_devices, max_users, inserted_at,
          updated_at) values ('${otherTenant}', 'Other', 'other', 'active', 'free', 100, 5, now(), now())`
    )
    yield* sql.unsafe(
      `insert into serviceradar_control.devices (tenant_id, uid, lifecycle, type_id, hostname, first_seen_time,
          last_seen_time, created_time, modified_time, is_managed, is_trusted, is_available, discovery_sources)
          values ('${otherTenant}', 'theirs:1', 'discovered', 0, 'zweitmandant', now(), now(), now(), now(), false, false,
          true, '{}')`
    )
    return { base, port, tokens, command, mails, inside }
  })
).pipe(Layer.provide(TestDatabase.layer))

interface Asked {
  readonly token?: string
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: unknown
}

interface Answer {
  readonly status: number
  readonly text: string
  readonly headers: Headers
}

const ask = (at: string, { body, headers = {}, method = "GET", token }: Asked = {}) =>
  Effect.promise(async (signal): Promise<Answer> => {
    const response = await fetch(at, {
      method,
      signal,
      redirect: "manual",
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { "content-type": mediaType }),
        ...headers
      },
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) })
    })
    return { status: response.status, text: await response.text(), headers: response.headers }
  })

/** What `fetch` would not send as it is. */
const raw = (port: number, lines: ReadonlyArray<string>) =>
  Effect.callback<string>((resume) => {
    const socket = net.connect(port, "127.0.0.1", () => socket.write(`${lines.join("\r\n")}\r\n\r\n`))
    let text = ""
    socket.setEncoding("utf8").on("data", (part: string) => text += part)
    socket.once("close", () => resume(Effect.succeed(text)))
    socket.once("error", () => resume(Effect.succeed(text)))
    return Effect.sync(() => socket.destroy())
  })

const data = ({ text }: Answer) => JSON.parse(text).data
const resource = (type: string, attributes: object, id?: string) => ({ data: { type, attributes, ...(id && { id }) } })

const idOf = Effect.fnUntraced(function*(base: string, token: string, path: string) {
  const found = yield* ask(`${base}/api/v2/${path}`, { token })
  return String(data(found)[0].id)
})

const login = (base: string, username: string, given = password) =>
  ask(`${base}/auth/login`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ username, password: given })
  })

/** What tells of the inside of a program. */
const insides = /node_modules|\.ts:\d|at \w+ \(|select |insert |pg_|serviceradar_control|ECONN|stack|Effect\./i

layer(core, { excludeTestServices: true, timeout: "120 seconds" })("OWASP API Security Top 10", (it) => {
  it.effect("API1:2023 Broken Object Level Authorization: what is somebody else's is not there, by whatever id", () =>
    Effect.gen(function*() {
      const { base, tokens } = yield* Core
      const url = `${base}/api/v2`
      for (const token of [tokens.viewer, tokens.operator, tokens.admin]) {
        const theirs = yield* ask(`${url}/devices/theirs%3A1`, { token })
        const nobodys = yield* ask(`${url}/devices/nobody%3A1`, { token })
        assert.deepStrictEqual([theirs.status, nobodys.status], [404, 404])
        assert.strictEqual(theirs.text.replaceAll("theirs", "nobody"), nobodys.text)
        for (const [method, action] of [["PATCH", ""], ["PATCH", "/decommission"], ["DELETE", ""]] as const) {
          const at = `${url}/devices/theirs%3A1${action}`
          const body = method === "DELETE" ? {} : { body: resource("device", {}, "theirs:1") }
          assert.oneOf((yield* ask(at, { token, method, ...body })).status, [403, 404], `${method} ${action}`)
        }
        assert.strictEqual((yield* ask(`${url}/tenants/${otherTenant}`, { token })).status, 404)
        assert.notInclude((yield* ask(`${url}/devices?filter[hostname]=zweitmandant`, { token })).text, "theirs:1")
        const query = yield* ask(`${base}/api/query?query=${encodeURIComponent("in:devices")}`, { token })
        assert.notInclude(query.text, "theirs:1")
      }
      // Within a tenant: tokens and sessions of others.
      const theirs = yield* idOf(base, tokens.admin, "api-tokens?filter[scope]=write")
      for (const method of ["GET", "PATCH"]) {
        const body = method === "GET" ? {} : { body: resource("api-token", {}, theirs) }
        const path = method === "GET" ? "" : "/revoke"
        assert.oneOf(
          (yield* ask(`${url}/api-tokens/${theirs}${path}`, { token: tokens.operator, method, ...body })).status,
          [403, 404]
        )
      }
      assert.strictEqual((yield* ask(`${url}/devices`, { token: tokens.writer })).status, 200)
    }))

  it.effect("API2:2023 Broken Authentication: no token that is forged, expired, of another kind or used before", () =>
    Effect.gen(function*() {
      const { base, tokens } = yield* Core
      const url = `${base}/api/v2/devices`
      const pair = JSON.parse((yield* login(base, "looker")).text)
      const statusOf = (token: string) => Effect.map(ask(url, { token }), ({ status }) => status)
      assert.strictEqual(yield* statusOf(pair.access_token), 200)
      const [head = "", claims = "", signature = ""] = String(pair.access_token).split(".")
      const payload = JSON.parse(Buffer.from(claims, "base64url").toString())
      const key = new TextEncoder().encode(jwtSecret)
      const signed = (more: object, secret = key, header: object = {}) =>
        Effect.promise(() =>
          new SignJWT({ ...payload, ...more }).setProtectedHeader({ alg: "HS256", ...header }).sign(secret)
        )
      // So made, one is good; what follows differs in one thing.
      assert.strictEqual(yield* statusOf(yield* signed({})), 200)
      const nowSeconds = Math.floor(Date.now() / 1000)
      const forged = [
        new UnsecuredJWT(payload).encode(),
        `${Buffer.from(JSON.stringify({ alg: "none" })).toString("base64url")}.${claims}.${signature}`,
        `${Buffer.from(JSON.stringify({ alg: "None", typ: "JWT" })).toString("base64url")}.${claims}.`,
        `${head}.${claims}.`,
        `${head}.${Buffer.from(JSON.stringify({ ...payload, roles: ["admin"] })).toString("base64url")}.${signature}`,
        yield* signed({}, new TextEncoder().encode("another secret")),
        yield* signed({ exp: nowSeconds - 1 }),
        yield* signed({ iat: nowSeconds + 3600 }),
        yield* signed({ exp: undefined }),
        yield* signed({ use: "refresh" }),
        yield* signed({ sid: "a0000000-0000-4000-8000-000000000001" }),
        pair.refresh_token,
        `${tokens.admin.slice(0, -1)}${tokens.admin.endsWith("a") ? "b" : "a"}`,
        tokens.admin.toUpperCase(),
        "srk_",
        "null",
        "undefined"
      ]
      for (const token of forged) assert.strictEqual(yield* statusOf(token), 401, token)
      // In the address a token is no token.
      assert.strictEqual((yield* ask(`${url}?access_token=${pair.access_token}`)).status, 401)

      const refresh = (token: string) =>
        ask(`${base}/auth/refresh`, {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: JSON.stringify({ refresh_token: token })
        })
      const renewed = yield* refresh(pair.refresh_token)
      assert.strictEqual(renewed.status, 200)
      assert.strictEqual((yield* refresh(pair.refresh_token)).status, 401)
      // Shown twice: whoever has the new ones has them no more.
      assert.strictEqual(yield* statusOf(JSON.parse(renewed.text).access_token), 401)
    }))

  it.effect("API2:2023 Broken Authentication: a password is guessed five times, and nobody learns whose it is", () =>
    Effect.gen(function*() {
      const { base } = yield* Core
      for (let attempt = 0; attempt < 5; attempt++) {
        assert.strictEqual((yield* login(base, "locked", "wrong horse battery staple")).status, 401)
      }
      const locked = yield* login(base, "locked")
      const nobody = yield* login(base, "nobody@example.org")
      assert.deepStrictEqual([locked.status, locked.text], [nobody.status, nobody.text])
      assert.strictEqual(locked.status, 401)
      // Whom nobody has guessed at still signs in.
      assert.strictEqual((yield* login(base, "victim")).status, 200)
    }))

  it.effect("API3:2023 Broken Object Property Level Authorization: nothing is set that an action does not take", () =>
    Effect.gen(function*() {
      const { base, tokens } = yield* Core
      const url = `${base}/api/v2`
      const me = yield* idOf(base, tokens.viewer, "users?filter[email]=viewer@example.org")
      for (
        const attributes of [
          { role: "admin" },
          { is_super_user: true },
          { isSuperUser: true },
          { tenant_id: otherTenant },
          { hashed_password: "x" },
          { locked_until: null },
          { ["__proto__"]: { role: "admin" }, role: "admin" },
          { constructor: {} }
        ]
      ) {
        const answer = yield* ask(`${url}/users/${me}`, {
          token: tokens.viewer,
          method: "PATCH",
          body: resource("user", attributes, me)
        })
        assert.strictEqual(answer.status, 422, JSON.stringify(attributes))
      }
      const still = data(yield* ask(`${url}/users/${me}`, { token: tokens.admin })).attributes
      assert.strictEqual(still.role, "viewer")
      for (
        const attributes of [{ tenant_id: otherTenant }, { lifecycle: "managed" }, {
          created_time: "2020-01-01T00:00:00Z"
        }]
      ) {
        const made = yield* ask(`${url}/devices`, {
          token: tokens.admin,
          method: "POST",
          body: resource("device", { uid: "assigned", ...attributes })
        })
        assert.strictEqual(made.status, 422, JSON.stringify(attributes))
      }
    }))

  it.effect("API3:2023 Broken Object Property Level Authorization: nobody is shown what is hidden, or private", () =>
    Effect.gen(function*() {
      const { base, tokens } = yield* Core
      const url = `${base}/api/v2`
      const hidden = { hidden: true }
      const seen = data(yield* ask(`${url}/users?filter[email]=boss`, { token: tokens.viewer }))[0].attributes
      assert.deepInclude(seen, {
        email: "boss",
        hashed_password: hidden,
        failed_sign_ins: hidden,
        locked_until: hidden
      })
      for (
        const query of [
          "filter[hashed_password][contains]=$2a",
          "sort=hashed_password",
          "filter[locked_until][is_nil]=true"
        ]
      ) {
        const refused = yield* ask(`${url}/users?${query}`, { token: tokens.viewer })
        assert.strictEqual(refused.status, 400, query)
        assert.include(refused.text, "hidden_field")
      }
      for (const path of ["users", "api-tokens", "sessions", "sign-in-links", "audit-entries", "tenants", "devices"]) {
        const { text } = yield* ask(`${url}/${path}?page[limit]=500`, { token: tokens.admin })
        assert.notMatch(text, /argon2id|\$2a\$|token_hash|configured_hash|is_super_user|[0-9a-f]{64}/, path)
        // Of a user it is told which one it is of.
        if (path !== "users") assert.notInclude(text, "\"tenant_id\"", path)
      }
      for (const field of ["token_hash", "tenant_id", "configured_hash"]) {
        const of = field === "token_hash" ? "api-tokens" : "users"
        if (of === "users" && field === "tenant_id") continue
        const refused = yield* ask(`${url}/${of}?filter[${field}]=x`, { token: tokens.admin })
        assert.strictEqual(refused.status, 400, field)
        assert.include(refused.text, "has no field")
      }
    }))

  it.effect("API4:2023 Unrestricted Resource Consumption: pages, bodies, includes, filters and queries have an end", () =>
    Effect.gen(function*() {
      const { base, tokens } = yield* Core
      const url = `${base}/api/v2`
      const token = tokens.admin
      const filters = Array.from({ length: 21 }, (_, at) => `filter[region][not_eq]=${at}`).join("&")
      const many = Array.from({ length: 101 }, (_, at) => at).join(",")
      for (
        const query of [
          "page[limit]=501",
          "page[limit]=999999999999",
          "page[limit]=-1",
          "page[limit]=0",
          "page[offset]=100001",
          "include=group.parent.parent.parent",
          `include=${Array.from({ length: 11 }, () => "group").join(",")}`,
          filters,
          `filter[uid][in]=${many}`,
          "sort=uid,name,ip,mac,hostname,region"
        ]
      ) {
        assert.strictEqual((yield* ask(`${url}/devices?${query}`, { token })).status, 400, query)
      }
      assert.strictEqual((yield* ask(`${url}/devices?x=${"a".repeat(8200)}`, { token })).status, 414)
      const post = (body: string) => ask(`${url}/devices`, { token, method: "POST", body })
      assert.strictEqual((yield* post(JSON.stringify(resource("device", { uid: "x".repeat(300_000) })))).status, 413)
      assert.strictEqual((yield* post(JSON.stringify(resource("device", { uid: "x".repeat(256) })))).status, 422)
      assert.strictEqual((yield* post(`${"[".repeat(100_000)}${"]".repeat(100_000)}`)).status, 400)
      const query = (text: string, more = "") =>
        ask(`${base}/api/query${more}`, { token, method: "POST", body: JSON.stringify({ query: text }) })
      assert.strictEqual((yield* query("x".repeat(70_000))).status, 413)
      assert.strictEqual((yield* query("in:devices", "?costly=true")).status, 403)
      const rows = yield* query("in:devices limit:999999999")
      assert.oneOf(rows.status, [200, 400])
      if (rows.status === 200) assert.isAtMost(JSON.parse(rows.text).pagination.limit, 10_000)
      assert.strictEqual(
        (yield* ask(`${base}/auth/login`, {
          method: "POST",
          body: JSON.stringify({ username: "x".repeat(20_000), password })
        }))
          .status,
        400
      )
    }))

  it.effect("API5:2023 Broken Function Level Authorization: each role has its actions, and no other way to them", () =>
    Effect.gen(function*() {
      const { base, tokens } = yield* Core
      const url = `${base}/api/v2`
      const device = resource("device", { uid: "function:1" })
      const post = (token: string, body: object = device) => ask(`${url}/devices`, { token, method: "POST", body })
      assert.strictEqual((yield* post(tokens.viewer)).status, 403)
      assert.strictEqual((yield* post(tokens.readOnly)).status, 403)
      assert.strictEqual((yield* post(tokens.operator)).status, 201)
      const at = `${url}/devices/function%3A1`
      for (const token of [tokens.viewer, tokens.operator, tokens.readOnly]) {
        assert.strictEqual((yield* ask(at, { token, method: "DELETE" })).status, 403)
      }
      // Neither what a proxy might take for another method.
      for (const header of ["x-http-method-override", "x-method-override", "x-http-method"]) {
        const answer = yield* ask(at, { token: tokens.admin, headers: { [header]: "DELETE" } })
        assert.strictEqual(answer.status, 200)
      }
      assert.strictEqual((yield* ask(`${at}?_method=DELETE`, { token: tokens.admin })).status, 400)
      assert.strictEqual((yield* ask(at, { token: tokens.admin })).status, 200)
      const me = yield* idOf(base, tokens.operator, "users?filter[email]=operator@example.org")
      const change = (token: string, path: string, attributes: object = {}) =>
        ask(`${url}/users/${me}/${path}`, { token, method: "PATCH", body: resource("user", attributes, me) })
      for (const token of [tokens.viewer, tokens.operator, tokens.writer, tokens.readOnly]) {
        assert.strictEqual((yield* change(token, "update-role", { role: "admin" })).status, 403)
        assert.strictEqual((yield* change(token, "unlock")).status, 403)
      }
      // What only a program does has no address, for whomever.
      for (const path of ["set-password", "configure", "reconfigure", "sign-in", "fail-sign-in", "setPassword"]) {
        assert.strictEqual((yield* change(tokens.admin, path, { hashed_password: "x" })).status, 404, path)
      }
      for (const path of ["audit-entries", "sign-in-links"]) {
        assert.strictEqual((yield* ask(`${url}/${path}`, { token: tokens.operator })).status, 403, path)
        assert.strictEqual((yield* ask(`${url}/${path}`, { token: tokens.admin })).status, 200, path)
      }
      const tenant = resource("tenant", { name: "Mine", slug: "mine" })
      assert.strictEqual(
        (yield* ask(`${url}/tenants`, { token: tokens.admin, method: "POST", body: tenant })).status,
        403
      )
      // Each address with nothing shown.
      const described = JSON.parse((yield* ask(`${url}/open_api`)).text)
      for (const [path, methods] of Object.entries<object>(described.paths)) {
        for (const method of Object.keys(methods).filter((name) => name !== "parameters")) {
          const anonymous = yield* ask(`${base}${path.replace("{key}", "x")}`, { method: method.toUpperCase() })
          assert.strictEqual(anonymous.status, 401, `${method} ${path}`)
        }
      }
    }))

  it.effect("API6:2023 Unrestricted Access to Sensitive Business Flows: links by mail are few, and good once", () =>
    Effect.gen(function*() {
      const { base, mails } = yield* Core
      const browser = Browser.open(base)
      const page = yield* browser.get("/auth/link")
      const answers = yield* Effect.forEach(
        ["viewer@example.org", "viewer@example.org", "VIEWER@example.org", "viewer@example.org", "nobody@example.org"],
        (email) => browser.submit(page, "/auth/link", { email })
      )
      assert.lengthOf(
        new Set(answers.map(({ status, text }) => `${status} ${text.replaceAll(/value="[^"]*"/g, "")}`)),
        1
      )
      const mail = yield* Program.eventually(
        "a mail",
        Effect.sync(() => Option.fromUndefinedOr(mails.received[0])),
        { within: "10 seconds" }
      )
      // Whatever else was asked for is answered by the time that a mail to another is there.
      yield* browser.submit(page, "/auth/link", { email: "operator@example.org" })
      yield* Program.eventually(
        "a mail to another",
        Effect.sync(() => Option.fromUndefinedOr(mails.received.find(({ to }) => to.includes("operator@example.org")))),
        { within: "10 seconds" }
      )
      assert.lengthOf(mails.received.filter(({ to }) => to.includes("viewer@example.org")), 1)
      assert.lengthOf(mails.received.filter(({ to }) => to.includes("nobody@example.org")), 0)
      const [, path = ""] = /http:\/\/[^/\s]+(\/auth\/link\?t=\S+)/.exec(mail.text) ?? []
      const once = yield* Effect.forEach([1, 2], () =>
        Effect.gen(function*() {
          const own = Browser.open(base)
          return (yield* own.submit(yield* own.get(path), "/auth/link/use")).status
        }))
      assert.deepStrictEqual(once, [303, 401])
    }))

  it.effect("API7:2023 Server Side Request Forgery: no address that somebody sends is asked by core", () =>
    Effect.gen(function*() {
      const { base, inside, tokens } = yield* Core
      const target = `${inside.base}/latest/meta-data`
      const pair = JSON.parse((yield* login(base, "victim")).text)
      const [, claims = ""] = String(pair.access_token).split(".")
      const payload = JSON.parse(Buffer.from(claims, "base64url").toString())
      for (const header of [{ jku: target }, { x5u: target }, { kid: target }, { jwk: { kty: "oct", k: "eA" } }]) {
        const token = yield* Effect.promise(() =>
          new SignJWT(payload).setProtectedHeader({ alg: "HS256", ...header }).sign(new TextEncoder().encode("eA"))
        )
        assert.strictEqual((yield* ask(`${base}/api/v2/devices`, { token })).status, 401)
      }
      for (
        const header of ["x-forwarded-host", "x-forwarded-for", "forwarded", "referer", "origin", "x-original-url"]
      ) {
        yield* ask(`${base}/api/v2/devices`, { token: tokens.admin, headers: { [header]: target } })
      }
      yield* ask(`${base}/api/v2/devices`, {
        token: tokens.admin,
        method: "POST",
        body: resource("device", { uid: target, hostname: target, ip: target })
      })
      for (
        const path of [
          `/auth/sign-in?to=${target}`,
          `/auth/html?to=${target}`,
          `/auth/html/callback?code=x&iss=${target}`
        ]
      ) {
        const answer = yield* ask(`${base}${path}`)
        assert.notInclude(answer.headers.get("location") ?? "", inside.base, path)
      }
      // A provider that is configured leads nowhere else: it is not followed, and is not believed to be another.
      for (const name of ["moved", "other"]) {
        assert.strictEqual((yield* ask(`${base}/auth/${name}`)).status, 502, name)
      }
      assert.deepStrictEqual(inside.heard, [])
    }))

  it.effect("API7:2023 Server Side Request Forgery: what is configured is an address of the web, or core does not start", () =>
    Effect.gen(function*() {
      const folder = yield* temporaryFolder
      const config = path.join(folder, "core.json")
      for (
        const text of [
          { auth: { sso_providers: { house: { issuer: "file:///etc/passwd", client_id: "x", client_secret: "y" } } } },
          { auth: { mail: { url: "file:///etc/passwd", from: "a@example.org" } } },
          { webhooks: [{ enabled: true, url: "file:///etc/passwd" }] },
          { webhooks: [{ enabled: true, url: "gopher://127.0.0.1:70/" }] }
        ]
      ) {
        yield* Effect.promise(() => fs.writeFile(config, JSON.stringify(text)))
        const program = yield* Program.start(["core", "--config", config])
        assert.notStrictEqual(yield* program.exited, 0, JSON.stringify(text))
        assert.match(program.output(), /http or https|an address such as/)
      }
    }))

  it.effect("API8:2023 Security Misconfiguration: headers, methods, hosts, CORS and errors tell and allow nothing more", () =>
    Effect.gen(function*() {
      const { base, port, tokens } = yield* Core
      const url = `${base}/api/v2`
      const paths = [
        "/api/v2/devices",
        "/api/v2/open_api",
        "/api/v2/nowhere",
        "/auth/sign-in",
        "/auth/nowhere",
        "/health/live",
        "/metrics",
        "/api/openapi.json",
        "/api/query?query=x",
        "/nowhere",
        "/auth/jwks.json"
      ]
      for (const path of paths) {
        const { headers } = yield* ask(`${base}${path}`, {
          token: tokens.admin,
          headers: { origin: "https://evil.example" }
        })
        assert.strictEqual(headers.get("x-content-type-options"), "nosniff", path)
        for (
          const name of ["server", "x-powered-by", "access-control-allow-origin", "access-control-allow-credentials"]
        ) {
          assert.isNull(headers.get(name), `${path} ${name}`)
        }
      }
      const { headers } = yield* ask(`${url}/devices`, { token: tokens.admin })
      assert.strictEqual(headers.get("cache-control"), "no-store")
      const preflight = yield* ask(`${url}/devices`, {
        method: "OPTIONS",
        headers: { origin: "https://evil.example", "access-control-request-method": "DELETE" }
      })
      assert.isNull(preflight.headers.get("access-control-allow-origin"))
      assert.isNull(preflight.headers.get("access-control-allow-methods"))
      // Not by fetch, which refuses them.
      for (const method of ["TRACE", "TRACK", "CONNECT", "PROPFIND", "G\tET"]) {
        const text = yield* raw(port, [
          `${method} /api/v2/devices HTTP/1.1`,
          `host: 127.0.0.1:${port}`,
          "connection: close",
          "x-secret: mirrored"
        ])
        assert.notMatch(text, /^HTTP\/1.1 2/, method)
        assert.notInclude(text, "mirrored")
      }
      const foreign = yield* raw(port, ["GET /api/tree HTTP/1.1", "host: evil.example", "connection: close"])
      assert.match(foreign, /^HTTP\/1.1 421/)
      const two = ["GET /health/live HTTP/1.1", `host: 127.0.0.1:${port}`, "host: evil.example", "connection: close"]
      assert.match(yield* raw(port, two), /^HTTP\/1.1 400/)
      const smuggled = yield* raw(port, [
        "POST /auth/login HTTP/1.1",
        `host: 127.0.0.1:${port}`,
        "content-length: 4",
        "transfer-encoding: chunked",
        "connection: close",
        "",
        "0",
        "",
        "GET /api/tree HTTP/1.1"
      ])
      assert.match(smuggled, /^HTTP\/1.1 400/)

      const wrong: ReadonlyArray<readonly [string, Asked]> = [
        ["/api/v2/devices", { method: "POST", body: "{" }],
        ["/api/v2/devices", { method: "POST", body: resource("device", { uid: 7, ip: {}, risk_score: "x" }) }],
        ["/api/v2/devices", { method: "POST", body: resource("device", { uid: "a\u0000b" }) }],
        ["/api/v2/devices", { method: "POST", body: resource("device", { uid: "g", group_id: otherTenant }) }],
        ["/api/v2/devices/%00", {}],
        ["/api/v2/devices/%ff%fe", {}],
        ["/api/v2/devices/..%2f..%2fetc%2fpasswd", {}],
        ["/api/v2/devices?filter[uid]='%3b%20drop%20table%20devices%3b--", {}],
        ["/api/v2/devices?sort=uid%3bdrop", {}],
        ["/api/v2/devices?page[after]=eyJ4", {}],
        ["/api/query?query=in:devices%20uid:'%20or%201=1--", {}],
        ["/api/query?query=in:pg_shadow", {}],
        ["/auth/login", { method: "POST", body: "[]" }],
        ["/auth/refresh", { method: "POST", body: "{}" }]
      ]
      for (const [path, asked] of wrong) {
        const answer = yield* ask(`${base}${path}`, { token: tokens.admin, ...asked })
        assert.isBelow(answer.status, 500, `${path} ${answer.text}`)
        if (answer.status >= 400) assert.notMatch(answer.text.replaceAll(/\\"[^"]*\\"|'[^']*'/g, ""), insides, path)
      }
    }))

  it.effect("API9:2023 Improper Inventory Management: what is served is described, and what is old says so", () =>
    Effect.gen(function*() {
      const { base, tokens } = yield* Core
      const described = JSON.parse((yield* ask(`${base}/api/openapi.json`)).text)
      const records = JSON.parse((yield* ask(`${base}/api/v2/open_api`)).text)
      const known = [...Object.keys(described.paths), ...Object.keys(records.paths)]
      // The list that core itself gives to whoever asks for nothing that is there.
      const [, all = ""] = /there is (\/.*)"/.exec((yield* ask(`${base}/nowhere`)).text) ?? []
      const served = all.split(", ")
      assert.includeMembers(served, ["/api/v2/*", "/auth/*", "/api/query", "/metrics", "/api/openapi.json"])
      const isDescribed = (path: string) =>
        path === "/api/openapi.json" ||
        (path.endsWith("/*") ? known.some((one) => one.startsWith(path.slice(0, -1))) : known.includes(path))
      assert.deepStrictEqual(served.filter((path) => !isDescribed(path)), [])
      // And the other way: nothing is described that is not there.
      for (const [path, methods] of Object.entries<object>(described.paths)) {
        if (!("get" in methods) || path === "/api/trace" || path.includes("trace")) continue
        if (/^\/auth\/(?:html|other|moved|endless|broken)/.test(path)) continue
        const answer = yield* ask(`${base}${path.replaceAll(/\{[^}]*\}/g, "x")}`, { token: tokens.admin })
        const isOurs = answer.status !== 404 || !answer.text.includes("there is nothing at this path")
        assert.isTrue(isOurs, path)
        assert.notInclude(answer.text, "There is no such page.", path)
      }
      // Versions that are to go say since when and until when; there need not be any.
      for (const [path, methods] of Object.entries<Readonly<Record<string, object>>>(described.paths)) {
        const get = methods["get"]
        if (get === undefined || !("deprecated" in get) || get.deprecated !== true) continue
        const { headers } = yield* ask(`${base}${path.replaceAll(/\{[^}]*\}/g, "x")}`, { token: tokens.admin })
        assert.isNotNull(headers.get("deprecation"), path)
        assert.isNotNull(headers.get("sunset"), path)
      }
      const { headers } = yield* ask(`${base}/api/v2/devices`, { token: tokens.admin })
      assert.isNull(headers.get("deprecation"))
    }))

  it.effect("API10:2023 Unsafe Consumption of APIs: whatever a provider of sign-ins says, core says that it did not work", () =>
    Effect.gen(function*() {
      const { base } = yield* Core
      for (const name of ["html", "other", "moved", "endless", "broken"]) {
        const answer = yield* ask(`${base}/auth/${name}`)
        assert.strictEqual(answer.status, 502, name)
        assert.notMatch(answer.text, insides)
        assert.notInclude(answer.text, "alert(1)")
      }
      assert.strictEqual((yield* ask(`${base}/health/ready`)).status, 200)
      const memory = yield* ask(`${base}/metrics`)
      assert.strictEqual(memory.status, 200)
    }))

  it.effect("API10:2023 Unsafe Consumption of APIs: a mail server that talks nonsense changes no answer", () =>
    Effect.gen(function*() {
      const babbling = yield* Effect.acquireRelease(
        Effect.callback<net.Server>((resume) => {
          const server = net.createServer((socket) => {
            socket.on("error", () => socket.destroy())
            socket.write(`999 ${"\u0000".repeat(1000)}\r\n<html>${"x".repeat(100_000)}`)
          })
          server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
        }),
        (server) => Effect.sync(() => server.close())
      )
      const address = babbling.address()
      const port = typeof address === "object" && address !== null ? address.port : 0
      const { base, command } = yield* SignedInCore.start({
        auth: { mail: { url: `smtp://127.0.0.1:${port}`, from: "radar@example.org" } }
      })
      yield* command("user", "add", "ada@example.org")
      const browser = Browser.open(base)
      const page = yield* browser.get("/auth/link")
      const asked = yield* Effect.forEach(
        ["ada@example.org", "nobody@example.org"],
        (email) => browser.submit(page, "/auth/link", { email })
      )
      assert.deepStrictEqual(asked.map(({ status }) => status), [200, 200])
      assert.strictEqual((yield* ask(`${base}/health/ready`)).status, 200)
    }).pipe(Effect.provide(TestDatabase.layer)))

  // The last: afterwards this address has to wait.
  it.effect("API6:2023 Unrestricted Access to Sensitive Business Flows: an address has only so many attempts to sign in", () =>
    Effect.gen(function*() {
      const { base, port, tokens } = yield* Core
      const attempts = yield* Effect.forEach(
        Array.from({ length: 80 }, (_, at) => `guess-${at}@example.org`),
        (name) => login(base, name, "wrong horse battery staple"),
        { concurrency: 16 }
      )
      const limited = attempts.filter(({ status }) => status === 429)
      assert.isAbove(limited.length, 20)
      assert.isAbove(Number(limited[0]?.headers.get("retry-after")), 0)
      assert.strictEqual((yield* login(base, "boss")).status, 429)
      // What somebody says of where he comes from changes nothing.
      const spoofed = yield* ask(`${base}/auth/login`, {
        method: "POST",
        headers: { "content-type": "application/json", "x-forwarded-for": "192.0.2.7", forwarded: "for=192.0.2.7" },
        body: JSON.stringify({ username: "boss", password })
      })
      assert.strictEqual(spoofed.status, 429)
      // Who has signed in goes on.
      assert.strictEqual((yield* ask(`http://127.0.0.1:${port}/api/v2/devices`, { token: tokens.viewer })).status, 200)
    }))
})
