import { assert, layer } from "@effect/vitest"
import { Validator } from "@seriousme/openapi-schema-validator"
import { Context, Effect, Layer, Option, Redacted, type Scope } from "effect"
import Kitsu from "kitsu"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import * as Program from "../support/Program.ts"
import { temporaryFolder } from "../support/temporaryFolder.ts"
import { TestDatabase } from "../support/TestDatabase.ts"

const mediaType = "application/vnd.api+json"

/** Core as a process of its own, with a user of each role and a token of each. */
class Core extends Context.Service<Core, {
  readonly url: string
  readonly tokens: Readonly<Record<"viewer" | "operator" | "admin" | "readOnly", string>>
  readonly command: (...args: ReadonlyArray<string>) => Effect.Effect<string, never, Scope.Scope>
}>()("test/e2e/Core") {}

const command = (env: Readonly<Record<string, string>>) => (...args: ReadonlyArray<string>) =>
  Effect.gen(function*() {
    const program = yield* Program.start(args, { env })
    const code = yield* program.exited
    assert.strictEqual(code, 0, program.output())
    return program.stdout().trim()
  })

const core = Layer.effect(
  Core,
  Effect.gen(function*() {
    const { url } = yield* TestDatabase
    const folder = yield* temporaryFolder
    const ports = { grpc: yield* Program.freePort, http: yield* Program.freePort }
    const config = path.join(folder, "core.json")
    const text = { listen_addr: `127.0.0.1:${ports.http}`, grpc_addr: `127.0.0.1:${ports.grpc}` }
    yield* Effect.promise(() => fs.writeFile(config, JSON.stringify(text)))
    const env = { DATABASE_URL: Redacted.value(url) }
    const run = command(env)
    const started = yield* Program.start(["core", "--config", config], { env })
    const base = `http://127.0.0.1:${ports.http}`
    yield* Program.eventually(
      "core is ready",
      Effect.map(
        Program.fetchJson(`${base}/health/ready`),
        Option.liftPredicate((body) => JSON.stringify(body).includes("\"status\":\"ready\""))
      ),
      { within: "30 seconds", programs: [started] }
    )
    const tokenOf = Effect.fnUntraced(function*(role: "viewer" | "operator" | "admin") {
      yield* run("user", "add", `${role}@example.org`, "--role", role)
      return yield* run("token", "create", `${role}@example.org`, "--scope", "admin")
    })
    const tokens = {
      viewer: yield* tokenOf("viewer"),
      operator: yield* tokenOf("operator"),
      admin: yield* tokenOf("admin"),
      readOnly: yield* run("token", "create", "admin@example.org", "--scope", "read")
    }
    return { url: `${base}/api/v2`, tokens, command: run }
  })
).pipe(Layer.provide(TestDatabase.layer))

interface Answer {
  readonly status: number
  readonly body: string
  readonly headers: Headers
}

const ask = (
  token: string,
  method: string,
  at: string,
  attributes?: { readonly type: string; readonly id?: string; readonly attributes?: object },
  headers: Readonly<Record<string, string>> = {}
) =>
  Effect.promise(async (signal): Promise<Answer> => {
    const response = await fetch(at, {
      method,
      signal,
      headers: {
        ...(token === "" ? {} : { authorization: `Bearer ${token}` }),
        ...(attributes === undefined ? {} : { "content-type": mediaType }),
        ...headers
      },
      ...(attributes === undefined ? {} : { body: JSON.stringify({ data: attributes }) })
    })
    return { status: response.status, body: await response.text(), headers: response.headers }
  })

const device = (uid: string, attributes: object = {}) => ({ type: "device", id: uid, attributes })

layer(core, { excludeTestServices: true, timeout: "90 seconds" })("The API of core", (it) => {
  it.effect("answers nobody who shows no valid token", () =>
    Effect.gen(function*() {
      const { url } = yield* Core
      for (const token of ["", "nonsense", `srk_${"a".repeat(43)}`]) {
        const answer = yield* ask(token, "GET", `${url}/devices`)
        assert.strictEqual(answer.status, 401)
        assert.include(answer.body, "\"code\":\"unauthorized\"")
      }
    }))

  it.effect("makes, changes, finds and destroys a device, each as the role may", () =>
    Effect.gen(function*() {
      const { tokens, url } = yield* Core
      const made = yield* ask(
        tokens.operator,
        "POST",
        `${url}/devices`,
        device("sr:1", { hostname: "rack-4", ip: "10.0.0.4" })
      )
      assert.strictEqual(made.status, 201, made.body)
      assert.strictEqual(made.headers.get("location"), "/api/v2/devices/sr%3A1")
      const found = yield* ask(tokens.viewer, "GET", `${url}/devices/sr:1`)
      assert.strictEqual(found.status, 200, found.body)
      const { data } = JSON.parse(found.body)
      assert.deepInclude(data.attributes, {
        hostname: "rack-4",
        display_name: "rack-4",
        status_color: "green",
        lifecycle: "discovered",
        is_managed: false
      })
      assert.notProperty(data.attributes, "tenant_id")

      assert.strictEqual(
        (yield* ask(tokens.viewer, "PATCH", `${url}/devices/sr:1/identify`, device("sr:1"))).status,
        403
      )
      assert.strictEqual(
        (yield* ask(tokens.readOnly, "PATCH", `${url}/devices/sr:1/identify`, device("sr:1"))).status,
        403
      )
      const early = yield* ask(tokens.operator, "PATCH", `${url}/devices/sr:1/manage`, device("sr:1"))
      assert.strictEqual(early.status, 409)
      assert.include(early.body, "\"code\":\"invalid_transition\"")
      const etag = found.headers.get("etag") ?? ""
      const named = yield* ask(
        tokens.operator,
        "PATCH",
        `${url}/devices/sr:1`,
        device("sr:1", { name: "Rack 4" }),
        { "if-match": etag }
      )
      assert.strictEqual(named.status, 200, named.body)
      const late = yield* ask(
        tokens.operator,
        "PATCH",
        `${url}/devices/sr:1`,
        device("sr:1", { name: "Lost" }),
        { "if-match": etag }
      )
      assert.strictEqual(late.status, 412)
      assert.strictEqual((yield* ask(tokens.operator, "DELETE", `${url}/devices/sr:1`)).status, 403)
      assert.strictEqual((yield* ask(tokens.admin, "DELETE", `${url}/devices/sr:1`)).status, 204)
      assert.strictEqual((yield* ask(tokens.admin, "GET", `${url}/devices/sr:1`)).status, 404)
      const audit = yield* ask(tokens.admin, "GET", `${url}/audit-entries?filter[record_key]=sr:1&sort=at`)
      const entries: ReadonlyArray<{ readonly attributes: Readonly<Record<string, string>> }> =
        JSON.parse(audit.body).data
      assert.deepStrictEqual(
        entries.map(({ attributes }) => `${attributes["action"]} ${attributes["outcome"]} ${attributes["actor_name"]}`),
        [
          "create done operator@example.org",
          "identify denied viewer@example.org",
          "identify denied admin@example.org",
          "update done operator@example.org",
          "destroy denied operator@example.org",
          "destroy done admin@example.org"
        ]
      )
      assert.strictEqual((yield* ask(tokens.operator, "GET", `${url}/audit-entries`)).status, 403)
    }))

  it.effect("says of each field what is wrong, and of a clash with what", () =>
    Effect.gen(function*() {
      const { tokens, url } = yield* Core
      const wrong = yield* ask(tokens.operator, "POST", `${url}/device-groups`, {
        type: "device-group",
        attributes: { group_type: "planet", tenant_id: "x", parent_id: "7d9a1c1e-3b43-4c9b-8f0e-0c52a3b5d111" }
      })
      assert.strictEqual(wrong.status, 422)
      assert.deepStrictEqual(
        JSON.parse(wrong.body).errors.map((error: { readonly source: { readonly pointer: string } }) =>
          error.source.pointer
        ),
        ["/data/attributes/tenant_id", "/data/attributes/name", "/data/attributes/group_type"]
      )
      const group = { type: "device-group", attributes: { name: "Racks" } }
      assert.strictEqual((yield* ask(tokens.operator, "POST", `${url}/device-groups`, group)).status, 201)
      const twice = yield* ask(tokens.operator, "POST", `${url}/device-groups`, group)
      assert.strictEqual(twice.status, 409)
      assert.include(twice.body, "/data/attributes/name")
      const nowhere = yield* ask(tokens.operator, "POST", `${url}/device-groups`, {
        type: "device-group",
        attributes: { name: "Lost", parent_id: "7d9a1c1e-3b43-4c9b-8f0e-0c52a3b5d111" }
      })
      assert.strictEqual(nowhere.status, 422)
      assert.include(nowhere.body, "/data/attributes/parent_id")
    }))

  it.effect("takes and gives JSON:API alone, and refuses what it does not understand", () =>
    Effect.gen(function*() {
      const { tokens, url } = yield* Core
      const plain = yield* ask(tokens.operator, "POST", `${url}/devices`, device("x"), {
        "content-type": "application/json"
      })
      assert.strictEqual(plain.status, 415)
      const accept = { accept: `${mediaType}; ext="x"` }
      assert.strictEqual((yield* ask(tokens.operator, "GET", `${url}/devices`, undefined, accept)).status, 406)
      for (
        const query of [
          "filter[tenant_id]=x",
          "filter[ip][like]=x",
          "filter[type_id]=one",
          "sort=token_hash",
          "fields[device]=tenant_id",
          "include=owner",
          "page[limit]=0",
          "page[after]=nonsense",
          "limt=5"
        ]
      ) {
        const answer = yield* ask(tokens.viewer, "GET", `${url}/devices?${query}`)
        assert.strictEqual(answer.status, 400, query)
        assert.include(answer.body, "\"parameter\"", query)
      }
      assert.strictEqual((yield* ask(tokens.viewer, "PUT", `${url}/devices/x`)).status, 405)
      assert.strictEqual((yield* ask(tokens.viewer, "GET", `${url}/nothing`)).status, 404)
      const large = device("x", { name: "x".repeat(300_000) })
      assert.strictEqual((yield* ask(tokens.operator, "POST", `${url}/devices`, large)).status, 413)
    }))

  it.effect("goes through pages by their links, forwards and back", () =>
    Effect.gen(function*() {
      const { tokens, url } = yield* Core
      for (const at of [3, 1, 5, 2, 4]) {
        yield* ask(
          tokens.operator,
          "POST",
          `${url}/devices`,
          device(`page:${at}`, { region: "pages", zone: `${at % 2}` })
        )
      }
      const root = new URL(url).origin
      const uids: Array<string> = []
      let at: string | null =
        "/api/v2/devices?filter[region]=pages&sort=-zone,uid&page[limit]=2&fields[device]=uid&page[count]=true"
      let back: string | null = null
      while (at !== null) {
        const page: Answer = yield* ask(tokens.viewer, "GET", `${root}${at}`)
        assert.strictEqual(page.status, 200, page.body)
        const body = JSON.parse(page.body)
        assert.strictEqual(body.meta.page.total, 5)
        for (const { attributes } of body.data) assert.deepStrictEqual(Object.keys(attributes), ["uid"])
        uids.push(...body.data.map(({ id }: { readonly id: string }) => id))
        back = body.links.prev
        at = body.links.next
      }
      assert.deepStrictEqual(uids, ["page:1", "page:3", "page:5", "page:2", "page:4"])
      const before = yield* ask(tokens.viewer, "GET", `${root}${back}`)
      assert.deepStrictEqual(
        JSON.parse(before.body).data.map(({ id }: { readonly id: string }) => id),
        ["page:5", "page:2"]
      )
    }))

  it.effect("describes itself, and lets nobody make himself more than he is", () =>
    Effect.gen(function*() {
      const { tokens, url } = yield* Core
      const description = JSON.parse((yield* ask("", "GET", `${url}/open_api`)).body)
      assert.includeMembers(Object.keys(description.paths), ["/api/v2/devices", "/api/v2/devices/{key}/manage"])
      assert.notProperty(description.paths, "/api/v2/users/{key}/set-password")
      const users = JSON.parse((yield* ask(tokens.viewer, "GET", `${url}/users?filter[email]=viewer@example.org`)).body)
      const { id } = users.data[0]
      assert.deepStrictEqual(users.data[0].attributes.hashed_password, { hidden: true })
      for (
        const [path, attributes] of [
          [`users/${id}`, { role: "admin" }],
          [`users/${id}`, { is_super_user: true }],
          [`users/${id}/update-role`, { role: "admin" }]
        ] as const
      ) {
        const answer = yield* ask(tokens.viewer, "PATCH", `${url}/${path}`, { type: "user", id, attributes })
        assert.oneOf(answer.status, [403, 422])
      }
      const still = JSON.parse((yield* ask(tokens.viewer, "GET", `${url}/users/${id}`)).body)
      assert.strictEqual(still.data.attributes.role, "viewer")
    }))

  it.effect("has more tenants by a command, and a super user works in the one that a request names", () =>
    Effect.gen(function*() {
      const { command, tokens, url } = yield* Core
      yield* command("tenant", "add", "acme", "--name", "Acme Ltd")
      const tokenFor = (email: string, ...as: ReadonlyArray<string>) =>
        Effect.andThen(command("user", "add", email, ...as), command("token", "create", email, "--scope", "admin"))
      const [grace, root] = yield* Effect.all([
        tokenFor("grace@acme.example", "--tenant", "acme", "--role", "admin"),
        tokenFor("root@example.org", "--super")
      ], { concurrency: 2 })
      const made = yield* ask(grace, "POST", `${url}/devices`, device("acme:1"))
      assert.strictEqual(made.status, 201, made.body)

      const inAcme = { "x-tenant-id": "acme" }
      assert.strictEqual((yield* ask(root, "GET", `${url}/devices/acme:1`)).status, 404)
      assert.strictEqual((yield* ask(root, "GET", `${url}/devices/acme:1`, undefined, inAcme)).status, 200)
      const id = JSON.parse((yield* ask(grace, "GET", `${url}/tenants`)).body).data[0].id
      const ofAcme = yield* ask(root, "GET", `${url}/users`, undefined, { "x-tenant-id": id })
      assert.deepStrictEqual(
        JSON.parse(ofAcme.body).data.map(({ attributes }: { attributes: { email: string } }) => attributes.email),
        ["grace@acme.example"]
      )
      const user = { type: "user", attributes: { email: "joan@acme.example" } }
      assert.strictEqual((yield* ask(root, "POST", `${url}/users`, user, inAcme)).status, 201)
      const more = JSON.parse((yield* ask(grace, "GET", `${url}/users`)).body)
      assert.lengthOf(more.data, 2)

      const query = url.replace(/v2$/, "query?query=in:devices%20limit:100")
      const found = (headers: Readonly<Record<string, string>>) =>
        Effect.map(
          ask(root, "GET", query, undefined, headers),
          ({ body }) => JSON.parse(body).results.filter(({ uid }: { uid: string }) => uid === "acme:1").length
        )
      assert.strictEqual(yield* found({}), 1)
      assert.strictEqual(yield* found(inAcme), 1)
      assert.strictEqual(yield* found({ "x-tenant-id": "default" }), 0)

      // As for a tenant that is not there.
      for (const named of ["acme", "nobody", "\u00e9", ""]) {
        for (const at of [`${url}/devices`, url.replace(/v2$/, "devices"), query]) {
          const refused = yield* ask(tokens.admin, "GET", at, undefined, { "x-tenant-id": named })
          assert.strictEqual(refused.status, 400, `${at} ${named}`)
          assert.include(refused.body, "the id or the short name of your tenant")
        }
      }
      assert.strictEqual(
        (yield* ask(tokens.admin, "GET", `${url}/devices`, undefined, { "x-tenant-id": "default" })).status,
        200
      )
    }))

  it.effect("knows nothing of what whoever asks may not even read, and keeps the denial in the audit", () =>
    Effect.gen(function*() {
      const { tokens, url } = yield* Core
      const tokensOf = JSON.parse((yield* ask(tokens.admin, "GET", `${url}/api-tokens?page[limit]=50`)).body)
      const mine = JSON.parse((yield* ask(tokens.viewer, "GET", `${url}/api-tokens`)).body).data[0].id
      const { id } = tokensOf.data.find((one: { readonly id: string }) => one.id !== mine)
      for (const deed of ["", "/revoke", "/disable"]) {
        const body = { type: "api-token", id, attributes: {} }
        const answer = yield* ask(tokens.viewer, "PATCH", `${url}/api-tokens/${id}${deed}`, body)
        assert.strictEqual(answer.status, 404, answer.body)
      }
      const audited = JSON.parse(
        (yield* ask(tokens.admin, "GET", `${url}/audit-entries?filter[record_key]=${id}&filter[outcome]=denied`)).body
      )
      assert.lengthOf(audited.data, 3)
    }))

  it.effect("has versions of records that count nobody's writes", () =>
    Effect.gen(function*() {
      const { tokens, url } = yield* Core
      const versionOf = (answer: Answer) => JSON.parse(answer.body).data.meta.version
      const first = yield* ask(tokens.operator, "POST", `${url}/devices`, device("versions:1"))
      const same = yield* ask(tokens.operator, "GET", `${url}/devices/versions:1`)
      const body = device("versions:1", { hostname: "b" })
      const other = yield* ask(tokens.operator, "PATCH", `${url}/devices/versions:1`, body)
      assert.match(versionOf(first), /^[A-Za-z0-9+/]{16}$/)
      assert.strictEqual(versionOf(same), versionOf(first))
      assert.notStrictEqual(versionOf(other), versionOf(first))
    }))

  it.effect("is spoken by a client that knows nothing of us: lists, pages, includes, creates, updates and errors", () =>
    Effect.gen(function*() {
      const { tokens, url } = yield* Core
      const client = new Kitsu({
        baseURL: url,
        camelCaseTypes: false,
        headers: { authorization: `Bearer ${tokens.operator}` }
      })
      const said = (refused: () => Promise<unknown>) =>
        Effect.promise(() =>
          refused().then(() => [], (error) => error.errors.map((one: { readonly status: string }) => one.status))
        )
      const group = (yield* Effect.promise(() => client.create("device-group", { name: "Kitsu" }))).data
      for (const at of [1, 2, 3]) {
        yield* Effect.promise(() => client.create("device", { id: `kitsu:${at}`, region: "kitsu", hostname: `h${at}` }))
      }
      const moved = yield* Effect.promise(() =>
        client.update("device", { id: "kitsu:2", group: { data: { type: "device-group", id: group.id } } })
      )
      assert.strictEqual(moved.data.group_id, group.id)
      const ask = (page: object) =>
        Effect.promise(() =>
          client.get("devices", {
            params: { filter: { region: "kitsu" }, sort: "-uid", include: "group", page: { limit: 2, ...page } }
          })
        )
      const first = yield* ask({})
      assert.deepStrictEqual(first.data.map(({ id }: { readonly id: string }) => id), ["kitsu:3", "kitsu:2"])
      assert.deepInclude(first.data[1].group.data, { id: group.id, name: "Kitsu" })
      const after = new URL(first.links.next, url).searchParams.get("page[after]") ?? ""
      const second = yield* ask({ after })
      assert.deepStrictEqual(second.data.map(({ id }: { readonly id: string }) => id), ["kitsu:1"])
      assert.isNull(second.links.next)
      const one = yield* Effect.promise(() => client.get("devices/kitsu:2", { params: { include: "group.devices" } }))
      assert.strictEqual(one.data.group.data.name, "Kitsu")
      assert.deepStrictEqual(yield* said(() => client.create("device", { id: "kitsu:1" })), ["409"])
      assert.deepStrictEqual(yield* said(() => client.update("device", { id: "kitsu:1", ip: 7 })), ["422"])
      assert.deepStrictEqual(yield* said(() => client.remove("device", "kitsu:1")), ["403"])
      assert.deepStrictEqual(yield* said(() => client.get("devices/kitsu:9", {})), ["404"])
    }))

  it.effect("is described in OpenAPI 3.1 that a public validator takes", () =>
    Effect.gen(function*() {
      const { url } = yield* Core
      const description = JSON.parse((yield* ask("", "GET", `${url}/open_api`)).body)
      const { errors, valid } = yield* Effect.promise(() => new Validator().validate(description))
      assert.isTrue(valid, JSON.stringify(errors))
      assert.property(description.paths["/api/v2/devices"].get.responses, "200")
      const broken = { ...description, paths: { "/api/v2/devices": { get: { responses: 200 } } } }
      assert.isFalse((yield* Effect.promise(() => new Validator().validate(broken))).valid)
    }))

  it.effect("has a schema that `db` knows, forward and back", () =>
    Effect.gen(function*() {
      const { command } = yield* Core
      assert.include(yield* command("db", "status"), "0001_identity  applied")
      assert.strictEqual(yield* command("db", "check"), "the tables are as the resources declare them")
      assert.strictEqual(yield* command("db", "migrate"), "nothing to do")
    }))
})
