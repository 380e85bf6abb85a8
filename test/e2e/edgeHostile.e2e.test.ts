/** Who wants a package that is not for them, or with what no admin types. */
import { assert, layer } from "@effect/vitest"
import { Context, Effect, Layer, Option } from "effect"
import * as crypto from "node:crypto"
import * as path from "node:path"
import * as zlib from "node:zlib"
import * as Program from "../support/Program.ts"
import * as SignedInCore from "../support/signedInCore.ts"
import { temporaryFolder } from "../support/temporaryFolder.ts"
import { TestDatabase } from "../support/TestDatabase.ts"

const home = "/api/admin/edge-packages"

type Headers = Readonly<Record<string, string>>

class Core extends Context.Service<Core, {
  readonly base: string
  readonly admin: Headers
  /** Of another tenant. */
  readonly stranger: Headers
  /** Who may work in any tenant, in one at a time. */
  readonly root: Headers
}>()("test/e2e/edgeHostile/Core") {}

const core = Effect.gen(function*() {
  const certificates = path.join(yield* temporaryFolder, "certs")
  const made = yield* Program.start(["certs", "init", "--dir", certificates], {})
  assert.strictEqual(yield* made.exited, 0, made.output())
  const { base, command } = yield* SignedInCore.start({ more: { edge_onboarding: { cert_dir: certificates } } })
  yield* command("tenant", "add", "acme")
  yield* command("user", "add", "admin@example.org", "--role", "admin")
  yield* command("user", "add", "admin@acme.example", "--role", "admin", "--tenant", "acme")
  yield* command("user", "add", "root@example.org", "--super")
  const tokenOf = (who: string) =>
    Effect.map(command("token", "create", who, "--scope", "admin"), (token) => ({ authorization: `Bearer ${token}` }))
  return {
    base,
    admin: yield* tokenOf("admin@example.org"),
    stranger: yield* tokenOf("admin@acme.example"),
    root: yield* tokenOf("root@example.org")
  }
})

/** One for each test: every address has only so many downloads. */
const fresh = () => Layer.effect(Core, core).pipe(Layer.provide(TestDatabase.layer))

const ask = Effect.fnUntraced(function*(headers: Headers, method: string, at: string, body?: unknown) {
  const { base } = yield* Core
  return yield* Effect.promise(async (signal) => {
    const response = await fetch(`${base}${at}`, {
      method,
      signal,
      headers,
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) })
    })
    const bytes = Buffer.from(await response.arrayBuffer())
    return { status: response.status, bytes, text: bytes.toString("utf8"), headers: response.headers }
  })
})

const make = Effect.fnUntraced(function*(more: object = {}) {
  const { admin } = yield* Core
  const component_id = `c-${crypto.randomBytes(4).toString("hex")}`
  const made = yield* ask(admin, "POST", home, { label: "x", component_id, security_mode: "mtls", ...more })
  assert.strictEqual(made.status, 201, made.text)
  const { download_token: token, package: { package_id: id } } = JSON.parse(made.text)
  return { id: String(id), token: String(token) }
})

const bundled = (id: string, token: string) => ask({}, "GET", `/api/edge-packages/${id}/bundle?token=${token}`)

const asJson = (id: string, token: unknown) =>
  ask({}, "POST", `${home}/${id}/download?format=json`, { download_token: token })

const error = (status: number, words: string) => ({ status, text: JSON.stringify({ error: words }) })

layer(fresh(), { excludeTestServices: true, timeout: "60 seconds" })("An edge package", (it) => {
  it.effect("goes to one of many who have its token, and to nobody afterwards", () =>
    Effect.gen(function*() {
      const { id, token } = yield* make()
      const head = yield* ask({}, "HEAD", `/api/edge-packages/${id}/bundle?token=${token}`)
      assert.strictEqual(head.status, 405)
      const all = yield* Effect.all(
        Array.from({ length: 12 }, (_, at) => at % 2 === 0 ? bundled(id, token) : asJson(id, token)),
        { concurrency: "unbounded" }
      )
      assert.deepStrictEqual(all.map(({ status }) => status).toSorted(), [
        200,
        ...Array.from({ length: 11 }, () => 409)
      ])
      const used = error(409, "package already_delivered")
      assert.deepInclude(yield* bundled(id, token), used)
      assert.deepInclude(yield* bundled(id, "y".repeat(32)), used)
    }))

  it.effect("is not handed out with a wrong, revoked or old token, nor for another package", () =>
    Effect.gen(function*() {
      const { admin } = yield* Core
      const [one, other] = [yield* make(), yield* make()]
      const invalid = error(401, "download token invalid")
      for (
        const token of ["x", other.token, "y".repeat(5_000), "%00", "%F0%9F%98%80"]
      ) {
        assert.deepInclude(yield* bundled(one.id, token), invalid, token)
      }
      for (const id of [crypto.randomUUID(), "x", "%2e%2e", "..%2f..%2fetc", "%00"]) {
        const refused = yield* bundled(id, one.token)
        assert.isTrue(refused.status === 401 || refused.status === 404, `${id}: ${refused.status}`)
      }
      assert.deepInclude(yield* bundled(one.id, ""), error(400, "token is required"))
      for (const token of [7, {}, ["x"]]) assert.strictEqual((yield* asJson(one.id, token)).status, 400)

      assert.strictEqual((yield* ask(admin, "POST", `${home}/${one.id}/revoke`)).status, 200)
      assert.deepInclude(yield* bundled(one.id, one.token), error(409, "package revoked"))
      assert.strictEqual((yield* ask(admin, "DELETE", `${home}/${one.id}`)).status, 204)
      assert.deepInclude(yield* bundled(one.id, one.token), error(409, "package deleted"))

      const brief = yield* make({ download_token_ttl_seconds: 1 })
      yield* Program.eventually(
        "its time is over",
        Effect.map(
          Effect.provideService(ask(admin, "GET", `${home}/${brief.id}`), Core, yield* Core),
          Option.liftPredicate(({ text }) => text.includes(`"expired"`))
        ),
        { within: "20 seconds" }
      )
      assert.deepInclude(yield* bundled(brief.id, brief.token), error(410, "download token expired"))
      const denied = yield* ask(
        admin,
        "GET",
        `/api/v2/audit-entries?filter[record_key]=${brief.id}&filter[outcome]=denied`
      )
      assert.include(denied.text, "expired (from 127.0.0.1)")
    }))

  it.effect("is nobody's of another tenant, by whatever way they ask", () =>
    Effect.gen(function*() {
      const { root, stranger } = yield* Core
      const { id } = yield* make()
      const elsewhere = yield* ask({ ...root, "x-tenant-id": "acme" }, "POST", home, {
        label: "x",
        security_mode: "mtls"
      })
      const there = yield* ask({ ...root, "x-tenant-id": "acme" }, "GET", `${home}/${id}`)
      const here = yield* ask(root, "GET", `${home}/${id}`)
      assert.deepStrictEqual([elsewhere, there, here].map(({ status }) => status), [503, 502, 200])
      for (const [method, at] of [["GET", ""], ["GET", "/events"], ["POST", "/revoke"], ["DELETE", ""]] as const) {
        const answers = []
        for (const one of [id, crypto.randomUUID()]) answers.push(yield* ask(stranger, method, `${home}/${one}${at}`))
        const [own, none] = answers.map(({ status, text }) => ({ status, text }))
        assert.deepStrictEqual(own, none, `${method} ${at}`)
        assert.strictEqual(own?.status, 502)
      }
      const json = { ...stranger, "content-type": "application/vnd.api+json" }
      for (const [method, at] of [["GET", ""], ["PATCH", "/revoke"], ["PATCH", "/soft_delete"]] as const) {
        const body = { data: { type: "edge-package", id, attributes: {} } }
        const answered = yield* ask(
          json,
          method,
          `/api/v2/edge-packages/${id}${at}`,
          method === "GET" ? undefined : body
        )
        assert.strictEqual(answered.status, 404, `${method} ${at}: ${answered.text}`)
      }
      assert.deepStrictEqual(JSON.parse((yield* ask(stranger, "GET", "/api/v2/edge-packages")).text).data, [])
    }))
})

layer(fresh(), { excludeTestServices: true, timeout: "60 seconds" })("Odd words for an edge package", (it) => {
  it.effect("are refused, or stand where nobody runs them", () =>
    Effect.gen(function*() {
      const { admin } = yield* Core
      const refused = ["../x", "A", "a.b", "a/b", "a b", "ä", "-a", "a-", "a\0", "a\nb", "a".repeat(44), "*", "%2e"]
      for (const component_id of refused) {
        const { status, text } = yield* ask(admin, "POST", home, { label: "x", component_id, security_mode: "mtls" })
        assert.strictEqual(status, 400, `${JSON.stringify(component_id)}: ${text}`)
      }
      assert.strictEqual(
        (yield* ask(admin, "POST", home, { label: "x".repeat(256), security_mode: "mtls" })).status,
        400
      )
      const large = JSON.stringify({ label: "x", notes: "n".repeat(70_000), security_mode: "mtls" })
      assert.strictEqual((yield* ask(admin, "POST", home, large)).status, 413)

      const label = "../../etc\n# $(touch /tmp/x) `id` \" ' \\ <b>"
      const { id, token } = yield* make({ label, metadata_json: JSON.stringify({ core_address: `"; $(id)` }) })
      assert.strictEqual((yield* asJson(id, "y".repeat(70_000))).status, 413)
      const got = yield* bundled(id, token)
      assert.strictEqual(got.status, 200, got.text)
      const archive = zlib.gunzipSync(got.bytes).toString("latin1")
      const [, script = ""] = /(#!\/bin\/sh\n[^\0]*)\0/.exec(archive) ?? []
      assert.include(script, "set -eu")
      for (const typed of ["touch", "$(id)", "etc\n#"]) assert.notInclude(script, typed)
      assert.include(archive, JSON.stringify(label))
      assert.include(archive, `"core_address": "\\"; $(id)"`)
    }))

  it.effect("come from an address only so often", () =>
    Effect.gen(function*() {
      const { id, token } = yield* make()
      const limited = yield* Program.eventually(
        "no more is taken",
        Effect.map(
          Effect.provideService(bundled(crypto.randomUUID(), token), Core, yield* Core),
          Option.liftPredicate(({ status }) => status === 429)
        ),
        { within: "60 seconds" }
      )
      assert.match(limited.headers.get("retry-after") ?? "", /^[1-9]\d*$/)
      assert.strictEqual((yield* asJson(id, token)).status, 429)
    }))
})
