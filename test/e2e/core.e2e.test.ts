/** Core as a process of its own: its file, and pollers that go and come back, with all that is told of them. */
import { assert, describe, it } from "@effect/vitest"
import { jetstreamManager } from "@nats-io/jetstream"
import { Effect, Option, Redacted, Schema } from "effect"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import * as CoreProcess from "../support/coreProcess.ts"
import { natsConnection } from "../support/eventWriter.ts"
import { get } from "../support/http.ts"
import * as NatsServer from "../support/natsServer.ts"
import * as Program from "../support/Program.ts"
import { temporaryFolder } from "../support/temporaryFolder.ts"
import { TestDatabase } from "../support/TestDatabase.ts"
import * as WebhookReceiver from "../support/webhookReceiver.ts"

const PollerHealth = Schema.fromJsonString(Schema.Struct({
  type: Schema.String,
  data: Schema.Struct({
    poller_id: Schema.String,
    previous_state: Schema.String,
    current_state: Schema.String,
    alert_sent: Schema.Boolean
  })
}))

/** A stream as the existing core has it, and what of pollers is in it. */
const eventStream = Effect.fnUntraced(function*(url: string) {
  const connection = yield* natsConnection(url)
  const manager = yield* Effect.promise(() => jetstreamManager(connection))
  yield* Effect.promise(() => manager.streams.add({ name: "events", subjects: ["events.>"] }))
  return Effect.promise(async () => {
    const found: Array<string> = []
    const { state } = await manager.streams.info("events")
    for (let seq = state.first_seq; seq <= state.last_seq; seq += 1) {
      const message = await manager.streams.getMessage("events", { seq })
      if (message?.subject === "events.poller.health") found.push(message.string())
    }
    return found
  }).pipe(
    Effect.flatMap(Effect.forEach((text) => Schema.decodeUnknownEffect(PollerHealth)(text))),
    Effect.map((all) =>
      all.map(({ data }) =>
        `${data.poller_id} ${data.previous_state} ${data.current_state}${data.alert_sent ? " alert" : ""}`
      )
    )
  )
})

const writeJson = (file: string, value: unknown) => Effect.promise(() => fs.writeFile(file, JSON.stringify(value)))

describe("Core that loses a poller", () => {
  it.live(
    "tells of it once and of its return once, by event and webhook, through restarts of core",
    () =>
      Effect.gen(function*() {
        const folder = yield* temporaryFolder
        const { url } = yield* TestDatabase
        const nats = yield* NatsServer.start()
        const events = yield* eventStream(nats.url)
        const hook = yield* WebhookReceiver.make
        const ports = { grpc: yield* Program.freePort, http: yield* Program.freePort, none: yield* Program.freePort }
        const file = (name: string) => path.join(folder, `${name}.json`)
        yield* writeJson(file("core"), {
          listen_addr: `127.0.0.1:${ports.http}`,
          grpc_addr: `127.0.0.1:${ports.grpc}`,
          alert_threshold: "4s",
          known_pollers: ["poller-1"],
          metrics: { enabled: true, retention: 100, max_pollers: 10_000 },
          webhooks: [
            { enabled: false, url: "https://changeme", template: "{{.alert.Title}}" },
            { enabled: true, url: hook.url, cooldown: "15m", headers: [{ key: "Authorization", value: "Bearer x" }] }
          ]
        })
        // Nobody is where its agent should be: all that it ever reports is a failure.
        yield* writeJson(file("poller"), {
          poller_id: "poller-1",
          partition: "default",
          source_ip: "127.0.0.1",
          core_address: `127.0.0.1:${ports.grpc}`,
          poll_interval: "1s",
          agents: {
            "agent-1": {
              address: `127.0.0.1:${ports.none}`,
              checks: [{ service_type: "port", service_name: "none", details: `127.0.0.1:${ports.none}` }]
            }
          }
        })
        const env = { DATABASE_URL: Redacted.value(url), NATS_URL: nats.url, EVENT_WRITER_ENABLED: "" }
        const startCore = Program.start(["core", "--config", file("core")], { env })
        const startPoller = Program.start(["poller", "--config", file("poller"), "--http", "off"], {
          env: { NATS_URL: "" }
        })
        const services = Effect.map(get(`127.0.0.1:${ports.http}`, "/api/services"), ({ body }) => JSON.stringify(body))
          .pipe(Effect.catchDefect(() => Effect.succeed("")))
        const isReady = Effect.map(
          Effect.catchDefect(
            get(`127.0.0.1:${ports.http}`, "/health/ready"),
            () => Effect.succeed({ status: 0, body: "" })
          ),
          ({ status }) => status === 200 ? Option.some(true) : Option.none<boolean>()
        )
        const untold = yield* CoreProcess.untoldTurns(url)
        const told = (programs: ReadonlyArray<Program.Program>, count: number) =>
          Program.eventually(
            `${count} webhooks and as many events of alerts, and nothing more to tell`,
            Effect.map(Effect.all([events, untold]), ([all, owed]) => {
              const alerts = all.filter((one) => one.endsWith("alert"))
              return hook.bodies.length >= count && alerts.length >= count && owed === 0
                ? Option.some(all)
                : Option.none()
            }),
            { within: "40 seconds", programs }
          )
        const restarted = Effect.fnUntraced(function*(core: Program.Program) {
          yield* core.kill("SIGKILL")
          yield* core.exited
          const next = yield* startCore
          yield* Program.eventually("core is ready", isReady, { within: "20 seconds", programs: [next] })
          return next
        })

        const first = yield* startCore
        const poller = yield* startPoller
        yield* Program.eventually(
          "the failing service of the poller",
          Effect.map(services, (text) => text.includes(`"available":false`) ? Option.some(true) : Option.none()),
          { within: "30 seconds", programs: [first, poller] }
        )
        yield* poller.kill("SIGKILL")
        yield* poller.exited
        const second = yield* restarted(first)
        const lost = yield* told([second], 1)
        const third = yield* restarted(second)
        // It comes back while core is away, so that its first report may come before core knows whom it missed.
        yield* third.kill("SIGKILL")
        yield* third.exited
        const returned = yield* startPoller
        const fourth = yield* startCore
        const back = yield* told([fourth, returned], 2)
        // Longer than any of them may be silent: nothing more may come.
        yield* Effect.sleep("11 seconds")

        assert.deepStrictEqual(lost, ["poller-1 unknown healthy", "poller-1 healthy unhealthy alert"])
        assert.deepStrictEqual(back.slice(2), ["poller-1 unhealthy healthy alert"])
        assert.deepStrictEqual(yield* events, back)
        assert.deepStrictEqual(
          hook.bodies.map((body) =>
            /^Bearer x \{"level":"(\w+)","title":"([^"]+)","message":"([^"]+)"/.exec(body)?.slice(1)
          ),
          [
            ["error", "Poller Offline", "Poller 'poller-1' is offline"],
            ["info", "Poller Recovered", "Poller 'poller-1' is back online"]
          ]
        )
        assert.match(first.output(), /core\.json:1:\d+: key metrics is ignored: history_retention/)
      }).pipe(Effect.scoped, Effect.provide(TestDatabase.layer))
  )
})

/** The existing core's, with a database, sign-in, events and pages of other sites. */
const packaged = {
  listen_addr: ":8090",
  grpc_addr: ":50052",
  alert_threshold: "5m",
  known_pollers: ["default-poller"],
  cnpg: { host: "cnpg-rw", database: "serviceradar", username: "serviceradar" },
  security: { mode: "none", cert_dir: "/etc/serviceradar/certs", role: "core" },
  cors: { allowed_origins: ["*"], allow_credentials: true },
  nats: { url: "nats://127.0.0.1:4222", security: { mode: "mtls" } },
  events: { enabled: true, stream_name: "events", subjects: ["poller.health.*"] },
  auth: { jwt_secret: "secret", local_users: { admin: "$2a$10$x" }, rbac: {} },
  webhooks: [{ enabled: true, url: "https://discord.com/api/webhooks/1", template: "{{.alert.Title}}" }],
  logging: { level: "info" }
}

describe("core.json of the existing core", () => {
  it.live("is refused where core would do something else than it says, by the check and at the start alike", () =>
    Effect.gen(function*() {
      const file = path.join(yield* temporaryFolder, "core.json")
      yield* writeJson(file, packaged)
      const keys = [
        "cnpg",
        "auth.local_users.admin",
        "nats",
        "events.enabled",
        "cors.allowed_origins",
        "webhooks[0].template"
      ]
      const check = yield* Program.start(["config", "check", file])
      const core = yield* Program.start(["core", "--config", file], { env: { DATABASE_URL: "" } })
      const codes = [yield* check.exited, yield* core.exited]

      assert.strictEqual(codes[0], 1)
      assert.isAbove(codes[1] ?? 0, 0)
      assert.include(check.output(), "recognised as a configuration of: core")
      for (const key of keys) {
        assert.include(check.output(), `error: ${key} is `)
        assert.match(core.output(), new RegExp(`core\\.json:1:\\d+: ${key.replaceAll(/[.[\]]/g, "\\$&")} is `))
      }
      assert.notInclude(core.output() + check.output(), "secret")
    }).pipe(Effect.scoped))

  it.live("is served on all interfaces only with a token, which the check says beforehand", () =>
    Effect.gen(function*() {
      const file = path.join(yield* temporaryFolder, "core.json")
      const [httpPort, grpcPort] = [yield* Program.freePort, yield* Program.freePort]
      yield* writeJson(file, {
        listen_addr: `:${httpPort}`,
        grpc_addr: `127.0.0.1:${grpcPort}`,
        alert_threshold: "5m",
        database: { addresses: ["proton:9440"], name: "default" },
        database_url: "postgresql://nobody@127.0.0.1:1/none"
      })
      const check = yield* Program.start(["config", "check", file])
      const without = yield* Program.start(["core", "--config", file], { env: { SERVICERADAR_HTTP_TOKEN: "" } })
      const code = [yield* check.exited, yield* without.exited]
      const core = yield* Program.start(["core", "--config", file], {
        env: { SERVICERADAR_HTTP_TOKEN: "0123456789abcdef", API_KEY: "changeme", AUTH_ENABLED: "true", JWT_SECRET: "" }
      })
      const refused = yield* Program.eventually(
        "an answer",
        Effect.map(
          Effect.catchDefect(get(`127.0.0.1:${httpPort}`, "/api/tree"), () => Effect.succeed({ status: 0, body: "" })),
          Option.liftPredicate(({ status }) => status !== 0)
        ),
        { within: "20 seconds", programs: [core] }
      )

      assert.strictEqual(code[0], 0)
      assert.isAbove(code[1] ?? 0, 0)
      assert.match(check.output(), /warning: listen_addr: others can reach ":\d+": .*SERVICERADAR_HTTP_TOKEN/)
      assert.match(check.output(), /warning: database: expected no such key, it is ignored: .*DATABASE_URL/)
      assert.include(without.output(), "set SERVICERADAR_HTTP_TOKEN")
      assert.strictEqual(refused.status, 401)
      assert.include(core.output(), "API_KEY is set and ignored: ")
      assert.include(core.output(), "AUTH_ENABLED is set and ignored: ")
      assert.notInclude(core.output(), "JWT_SECRET is set")
      assert.notInclude(core.output(), "changeme")
    }).pipe(Effect.scoped))
})
