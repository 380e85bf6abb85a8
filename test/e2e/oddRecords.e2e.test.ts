/** What the API of records makes of requests that no client of good will sends, and what it tells others of. */
import { assert, layer } from "@effect/vitest"
import { Context, Effect, Layer, Option, type Scope } from "effect"
import { NatsConnection } from "../../src/layers/nats/connection/NatsConnection.ts"
import * as natsClient from "../support/natsClient.ts"
import * as natsServer from "../support/natsServer.ts"
import * as Program from "../support/Program.ts"
import * as SignedInCore from "../support/signedInCore.ts"
import { TestDatabase } from "../support/TestDatabase.ts"

type Who = "viewer" | "operator" | "admin"

class Core extends Context.Service<Core, {
  readonly base: string
  readonly nats: string
  readonly tokens: Readonly<Record<Who, string>>
}>()("test/e2e/oddRecords/Core") {}

const core = Layer.effect(
  Core,
  Effect.gen(function*() {
    const server = yield* natsServer.start()
    const { base, command } = yield* SignedInCore.start({ env: { NATS_URL: server.url } })
    const tokenOf = Effect.fnUntraced(function*(role: Who): Effect.fn.Return<string, never, Scope.Scope> {
      yield* command("user", "add", `${role}@example.org`, "--role", role)
      return yield* command("token", "create", `${role}@example.org`, "--scope", "admin")
    })
    const tokens = {
      viewer: yield* tokenOf("viewer"),
      operator: yield* tokenOf("operator"),
      admin: yield* tokenOf("admin")
    }
    return { base, nats: server.url, tokens }
  })
).pipe(Layer.provide(TestDatabase.layer))

const ask = Effect.fnUntraced(function*(who: Who, method: string, at: string, body?: unknown) {
  const { base, tokens } = yield* Core
  return yield* Effect.promise(async (signal) => {
    const response = await fetch(`${base}${at}`, {
      method,
      signal,
      headers: { authorization: `Bearer ${tokens[who]}`, "content-type": "application/vnd.api+json" },
      ...(body === undefined
        ? {}
        : { body: body instanceof Uint8Array ? new Uint8Array(body) : JSON.stringify(body) })
    })
    const text = await response.text()
    return { status: response.status, text, type: response.headers.get("content-type") }
  })
})

const device = (attributes: object) => ({ data: { type: "device", attributes } })

const problemsOf = ({ text }: { readonly text: string }) => JSON.parse(text).errors

const make = Effect.fnUntraced(function*(type: string, attributes: object) {
  const made = yield* ask("admin", "POST", `/api/v2/${type}s`, { data: { type, attributes } })
  assert.strictEqual(made.status, 201, made.text)
  return String(JSON.parse(made.text).data.id)
})

layer(core, { excludeTestServices: true, timeout: "90 seconds" })("Odd requests", (it) => {
  it.effect("with a number that queries could not read are refused, so that devices stay to be asked for", () =>
    Effect.gen(function*() {
      for (const name of ["risk_score", "type_id", "risk_level_id"]) {
        const refused = yield* ask("operator", "POST", "/api/v2/devices", device({ [name]: 2 ** 31 }))
        assert.strictEqual(refused.status, 422, refused.text)
        assert.strictEqual(problemsOf(refused)[0].source.pointer, `/data/attributes/${name}`)
      }
      const made = yield* ask("operator", "POST", "/api/v2/devices", device({ risk_score: 2 ** 31 - 1 }))
      assert.strictEqual(made.status, 201, made.text)
      const asked = yield* ask("viewer", "POST", "/api/query", { query: "in:devices" })
      assert.strictEqual(asked.status, 200, asked.text)
    }))

  it.effect("with a name that is written as the API does not write it are refused, by the name that was sent", () =>
    Effect.gen(function*() {
      for (const [name, pointer] of [["riskScore"], ["Hostname"], ["tenantId"], ["toString"], ["a/b~c", "a~1b~0c"]]) {
        const refused = yield* ask("operator", "POST", "/api/v2/devices", device({ [name ?? ""]: 2 }))
        assert.strictEqual(refused.status, 422, refused.text)
        assert.strictEqual(problemsOf(refused)[0].source.pointer, `/data/attributes/${pointer ?? name}`)
      }
    }))

  it.effect("for a key that no address leads to are refused", () =>
    Effect.gen(function*() {
      for (const uid of ["available", "recently-seen", ".", ".."]) {
        const refused = yield* ask("operator", "POST", "/api/v2/devices", device({ uid }))
        assert.strictEqual(refused.status, 422, refused.text)
        assert.strictEqual(problemsOf(refused)[0].source.pointer, "/data/attributes/uid")
      }
    }))

  it.effect("with characters that are none are refused, wherever they stand", () =>
    Effect.gen(function*() {
      for (
        const query of [
          "devices?filter[discovery_sources]=%00",
          "devices?filter[discovery_sources][contains]=a%00",
          "interfaces?filter[ip_addresses][contains]=a%00b",
          "devices?filter[hostname]=%00",
          "devices?filter[hostname]=%FF",
          "devices?filter[hostname]=%ED%A0%80"
        ]
      ) {
        const refused = yield* ask("viewer", "GET", `/api/v2/${query}`)
        assert.strictEqual(refused.status, 400, `${query}: ${refused.text}`)
        assert.strictEqual(problemsOf(refused)[0].code, "invalid_query")
      }
      const bytes = Buffer.from(`{"data":{"type":"device","attributes":{"hostname":"\u00ff"}}}`, "latin1")
      const refused = yield* ask("operator", "POST", "/api/v2/devices", bytes)
      assert.strictEqual(refused.status, 400, refused.text)
      assert.strictEqual(problemsOf(refused)[0].code, "invalid_body")
      for (const path of ["/api/v2/devices/%ff", "/api/v2/%ff"]) {
        const nowhere = yield* ask("viewer", "GET", path)
        assert.deepStrictEqual([nowhere.status, nowhere.type], [404, "application/vnd.api+json"], path)
        assert.strictEqual(problemsOf(nowhere)[0].code, "not_found")
      }
      const v1 = yield* ask("viewer", "GET", "/api/devices/%ff")
      assert.deepStrictEqual([v1.status, v1.text], [404, "404 page not found\n"])
      assert.strictEqual((yield* ask("viewer", "GET", "/%ff")).status, 404)
      assert.strictEqual((yield* ask("viewer", "GET", "/api/services?agent=%00")).status, 400)
    }))

  it.effect("to sign in as nobody that can be are refused as all others", () =>
    Effect.gen(function*() {
      const { base } = yield* Core
      const login = (username: string) =>
        Effect.promise(async (signal) => {
          const body = JSON.stringify({ username, password: "x" })
          const response = await fetch(`${base}/auth/login`, { method: "POST", body, signal })
          return [response.status, await response.text()] as const
        })
      const usual = yield* login("nobody@example.org")
      assert.strictEqual(usual[0], 401)
      assert.deepStrictEqual(yield* login("admin@example.org\0"), usual)
      assert.deepStrictEqual(yield* login("admin@example.org\ud800"), usual)
    }))

  it.effect("to destroy what others refer to, or to put a group below itself, are refused by name", () =>
    Effect.gen(function*() {
      const top = yield* make("device-group", { name: "top" })
      const below = yield* make("device-group", { name: "below", parent_id: top })
      const lowest = yield* make("device-group", { name: "lowest", parent_id: below })
      yield* make("device", { group_id: lowest })
      for (const id of [top, lowest]) {
        const refused = yield* ask("admin", "DELETE", `/api/v2/device-groups/${id}`)
        assert.strictEqual(refused.status, 409, refused.text)
        assert.include(refused.text, "other records refer to it")
      }
      for (const parent_id of [top, below, lowest]) {
        const refused = yield* ask("admin", "PATCH", `/api/v2/device-groups/${top}`, {
          data: { type: "device-group", id: top, attributes: { parent_id } }
        })
        assert.strictEqual(refused.status, 422, refused.text)
        assert.strictEqual(problemsOf(refused)[0].source.pointer, "/data/attributes/parent_id")
        assert.include(refused.text, "is the device-group itself, or below it")
      }
      const put = (id: string, parent_id: string | null) =>
        ask("admin", "PATCH", `/api/v2/device-groups/${id}`, {
          data: { type: "device-group", id, attributes: { parent_id } }
        })
      const [left, right] = [
        yield* make("device-group", { name: "left" }),
        yield* make("device-group", { name: "right" })
      ]
      for (let round = 0; round < 10; round++) {
        const answers = yield* Effect.all([put(left, right), put(right, left)], { concurrency: 2 })
        // Whoever loses the race in the database is told what is wrong, not that it is away.
        assert.deepStrictEqual(answers.map(({ status }) => status).toSorted(), [200, 422])
        for (const id of [left, right]) assert.strictEqual((yield* put(id, null)).status, 200)
      }
    }))

  it.effect("are pointed to what is wrong where they have it", () =>
    Effect.gen(function*() {
      const pointerOf = (data: object) =>
        Effect.map(ask("operator", "POST", "/api/v2/devices", { data: { type: "device", ...data } }), (refused) => {
          const [{ source, status }] = problemsOf(refused)
          return [status, source.pointer]
        })
      const nobody = "00000000-0000-4000-8000-00000000dead"
      for (const id of ["x", nobody]) {
        const related = { relationships: { group: { data: { type: "device-group", id } } } }
        assert.deepStrictEqual(yield* pointerOf(related), ["422", "/data/relationships/group/data/id"])
      }
      assert.deepStrictEqual(yield* pointerOf({ attributes: { group_id: nobody } }), [
        "422",
        "/data/attributes/group_id"
      ])
      assert.deepStrictEqual(yield* pointerOf({ id: "available" }), ["422", "/data/id"])
      yield* make("device", { uid: "twice" })
      assert.deepStrictEqual(yield* pointerOf({ id: "twice" }), ["409", "/data/id"])
      assert.deepStrictEqual(yield* pointerOf({ attributes: { uid: "twice" } }), ["409", "/data/attributes/uid"])
    }))

  it.effect("to change what somebody may not see are answered as if it were not there", () =>
    Effect.gen(function*() {
      const listed = yield* ask("admin", "GET", "/api/v2/api-tokens?filter[name]=command line")
      const ids = JSON.parse(listed.text).data.map(({ id }: { readonly id: string }) => id)
      assert.isAbove(ids.length, 2)
      const own = JSON.parse((yield* ask("viewer", "GET", "/api/v2/api-tokens")).text).data[0].id
      const other = ids.find((id: string) => id !== own)
      for (const action of ["", "/revoke", "/disable"]) {
        const body = { data: { type: "api-token", attributes: {} } }
        const there = yield* ask("viewer", "PATCH", `/api/v2/api-tokens/${other}${action}`, body)
        const nowhere = yield* ask("viewer", "PATCH", `/api/v2/api-tokens/${crypto.randomUUID()}${action}`, body)
        assert.deepStrictEqual(
          [there.status, there.text.replaceAll(other, "ID")],
          [nowhere.status, nowhere.text.replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}/g, "ID")]
        )
        assert.strictEqual(there.status, 404)
      }
      const audited = yield* ask(
        "admin",
        "GET",
        `/api/v2/audit-entries?filter[record_key]=${other}&filter[outcome]=denied`
      )
      assert.lengthOf(JSON.parse(audited.text).data, 3)
    }))

  it.effect("are told nothing of hidden fields by the description of the API", () =>
    Effect.gen(function*() {
      const { paths } = JSON.parse((yield* ask("viewer", "GET", "/api/v2/open_api")).text)
      const names = paths["/api/v2/users"].get.parameters.map(({ name }: { readonly name: string }) => name)
      assert.include(names, "filter[email]")
      assert.notInclude(names, "filter[hashed_password]")
    }))

  it.effect("to take a device out are told to others, by whichever API they come", () =>
    Effect.gen(function*() {
      const { nats } = yield* Core
      const connected = yield* Layer.build(natsClient.layer(nats))
      const client = yield* natsClient.ready(Context.get(connected, NatsConnection))
      const told: Array<{ readonly device_id: string; readonly actor: string; readonly remote_addr: string }> = []
      client.nc.subscribe("events.devices.lifecycle", {
        callback: (_, message) => {
          told.push(JSON.parse(message.string()).data)
        }
      })
      yield* Effect.promise(() => client.nc.flush())
      const ids = [
        yield* make("device", { ip: "192.0.2.31" }),
        yield* make("device", { ip: "192.0.2.32" }),
        yield* make("device", { ip: "192.0.2.33" })
      ]
      const [first, second, third] = ids
      assert.strictEqual((yield* ask("admin", "DELETE", `/api/devices/${first}`)).status, 200)
      const gone = yield* ask("admin", "PATCH", `/api/v2/devices/${second}/decommission`, {
        data: { type: "device", id: second, attributes: {} }
      })
      assert.strictEqual(gone.status, 200, gone.text)
      assert.strictEqual((yield* ask("admin", "DELETE", `/api/v2/devices/${third}`)).status, 204)
      yield* Program.eventually(
        "all are told of",
        Effect.sync(() => told.length < 3 ? Option.none() : Option.some(told.length)),
        { within: "20 seconds" }
      )
      assert.deepStrictEqual(told.map(({ device_id }) => device_id).toSorted(), ids.toSorted())
      for (const { actor, remote_addr } of told) {
        assert.strictEqual(actor, "admin@example.org")
        assert.include(remote_addr, "127.0.0.1")
      }
    }))
})
