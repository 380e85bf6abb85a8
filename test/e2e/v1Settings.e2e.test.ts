/** The v1 routes for settings, over a real nats-server: shown, changed, begun from a template, followed, and away. */
import { assert, layer } from "@effect/vitest"
import { Kvm } from "@nats-io/kv"
import { Context, Effect, Layer, Option } from "effect"
import { NatsConnection } from "../../src/layers/nats/connection/NatsConnection.ts"
import * as natsClient from "../support/natsClient.ts"
import * as natsServer from "../support/natsServer.ts"
import * as Program from "../support/Program.ts"
import { differences } from "../support/shapes.ts"
import * as SignedInCore from "../support/signedInCore.ts"
import { TestDatabase } from "../support/TestDatabase.ts"

const store = "serviceradar-datasvc"

layer(TestDatabase.layer, { excludeTestServices: true, timeout: "60 seconds" })("Settings by the v1 API", (it) => {
  it.effect("are those that their services follow in the key-value store", () =>
    Effect.gen(function*() {
      const server = yield* natsServer.start()
      const { base, command, program } = yield* SignedInCore.start({ env: { NATS_URL: server.url } })
      yield* command("user", "add", "admin@example.org", "--role", "admin")
      const token = yield* command("token", "create", "admin@example.org", "--scope", "admin")
      const ask = (path: string, body?: string, headers: Readonly<Record<string, string>> = {}) =>
        Effect.promise(async (signal): Promise<readonly [number, unknown]> => {
          const response = await fetch(`${base}${path}`, {
            signal,
            method: body === undefined ? "GET" : "PUT",
            headers: { authorization: `Bearer ${token}`, ...headers },
            ...(body === undefined ? {} : { body })
          })
          return [response.status, JSON.parse(await response.text())]
        })
      const config = (service: string) => ask(`/api/admin/config/${service}`)
      const connected = yield* Layer.build(natsClient.layer(server.url))
      const others = yield* natsClient.ready(Context.get(connected, NatsConnection))
      const bucket = yield* Effect.promise(() => new Kvm(others.js).create(store, { history: 1 }))
      const kept = (key: string, value: object | string) =>
        Effect.promise(() => bucket.put(key, typeof value === "string" ? value : JSON.stringify(value)))
      yield* Program.eventually(
        "core is connected",
        Effect.map(ask("/api/kv/info"), Option.liftPredicate(([status]) => status === 200)),
        { within: "20 seconds", programs: [program] }
      )

      assert.deepStrictEqual(yield* ask("/api/kv/info"), [200, { domain: "", bucket: store }])
      const named = yield* ask("/api/kv/info?kv_store_id=local")
      assert.deepStrictEqual(named, [200, { domain: "", bucket: store, kv_store_id: "local" }])
      assert.strictEqual((yield* ask("/api/kv/info?kv_store_id=other"))[0], 502)
      assert.deepStrictEqual(yield* ask("/api/kv/endpoints"), [200, [
        { id: "local", name: "local", address: `127.0.0.1:${server.port}`, domain: "", type: "nats" }
      ]])

      const nothing = { message: "configuration not found (template unavailable)", status: 404 }
      assert.deepStrictEqual(yield* config("sync"), [404, nothing])
      yield* kept("config/sync.json", `{"interval": "5m", "id": 12345678901234567890}`)
      const metadata = { service: "sync", kv_key: "config/sync.json", revision: "<count>", format: "json" }
      const [found, sync] = yield* config("sync")
      assert.strictEqual(found, 200)
      assert.deepStrictEqual(
        differences({ metadata: { ...metadata, origin: "unknown" }, config: "<anything>" }, sync),
        []
      )

      const given = `{"poll_interval": "30s", "large": 12345678901234567890}`
      assert.deepStrictEqual(yield* ask("/api/admin/config/agent?agent_id=edge.1", given), [200, {
        bytes: 52,
        key: "config/agents/edge.1.json",
        kv_store_id: "",
        service: "agent",
        service_type: "",
        status: "updated",
        user: "admin@example.org"
      }])
      // As its service reads it, without a digit lost.
      const written = yield* Effect.promise(() => bucket.get("config/agents/edge.1.json"))
      assert.strictEqual(written?.string(), `{"poll_interval":"30s","large":12345678901234567890}`)
      const [, agent] = yield* ask("/api/admin/config/agent?agent_id=edge.1")
      assert.deepStrictEqual(
        differences({
          metadata: {
            service: "agent",
            kv_key: "config/agents/edge.1.json",
            revision: "<count>",
            format: "json",
            origin: "user",
            last_writer: "admin@example.org",
            updated_at: "<time>"
          },
          config: { poll_interval: "30s", large: "<number>" }
        }, agent),
        []
      )

      yield* kept("templates/core.json", { listen_addr: ":8090" })
      const [, core] = yield* config("core")
      assert.deepStrictEqual(
        differences({
          metadata: {
            ...metadata,
            service: "core",
            kv_key: "config/core.json",
            origin: "seeded",
            last_writer: "system",
            updated_at: "<time>"
          },
          config: { listen_addr: ":8090" }
        }, core),
        []
      )

      const entry = (name: string, found: boolean) => ({
        name,
        service_type: name,
        scope: "global",
        kv_key: `config/${name}.json`,
        format: "json",
        found
      })
      assert.deepStrictEqual(yield* ask("/api/admin/config/status"), [503, {
        status: "missing",
        missing_count: 1,
        error_count: 0,
        first_missing: entry("db-event-writer", false),
        entries: [entry("core", true), entry("db-event-writer", false), entry("sync", true)]
      }])
      yield* kept("config/db-event-writer.json", {})
      const [whole, coverage] = yield* ask("/api/admin/config/status")
      assert.strictEqual(whole, 200)
      assert.deepInclude(coverage, { status: "ok", missing_count: 0, error_count: 0 })

      const watcher = {
        id: "w1",
        service: "sync",
        instance_id: "sync",
        scope: "global",
        kv_key: "config/sync.json",
        started_at: "2026-01-01T00:00:00Z",
        last_event: "2026-01-02T00:00:00Z",
        status: "running"
      }
      yield* kept("watchers/sync/sync.json", { ...watcher, updated_at: "2026-01-02T00:00:00Z" })
      yield* kept("watchers/db-event-writer/db-event-writer.json", "no JSON")
      assert.deepStrictEqual(yield* ask("/api/admin/config/watchers"), [200, [watcher]])
      assert.deepStrictEqual(yield* ask("/api/admin/config/watchers?service=core"), [200, []])

      // Of a partition there are no settings.
      const within = yield* ask("/api/admin/config/sync", undefined, { "x-partition-id": "default" })
      assert.deepStrictEqual(within, [500, { message: "KV client not available", status: 500 }])

      yield* server.kill("SIGKILL")
      assert.deepStrictEqual(yield* config("sync"), [500, { message: "failed to load configuration", status: 500 }])
      assert.strictEqual((yield* ask("/api/kv/info"))[0], 502)
      assert.strictEqual((yield* ask("/api/admin/config/status"))[0], 502)
      const lost = yield* ask("/api/admin/config/sync", "{}")
      assert.deepStrictEqual(lost, [500, { message: "failed to write configuration to KV", status: 500 }])
    }), { timeout: 90_000 })
})
