/**
 * Secrets planted in every place that takes one, and looked for in everything that programs write, print, answer and
 * store: where all goes well, and where addresses are wrong, connections refused and logins not taken.
 */
import * as PgClient from "@effect/sql-pg/PgClient"
import { assert, describe, it } from "@effect/vitest"
import { connect } from "@nats-io/transport-node"
import { Effect, Option, Redacted, Schema } from "effect"
import * as Reactivity from "effect/reactivity/Reactivity"
import * as fs from "node:fs/promises"
import * as http from "node:http"
import type { AddressInfo } from "node:net"
import * as path from "node:path"
import { AgentServiceService } from "../../src/gen/monitoring/monitoring.ts"
import * as GrpcClient from "../../src/layers/grpc/GrpcClient.ts"
import * as EventWriter from "../support/eventWriter.ts"
import * as NatsAccounts from "../support/natsAccounts.ts"
import * as NatsServer from "../support/natsServer.ts"
import * as PlantedSecrets from "../support/plantedSecrets.ts"
import * as Program from "../support/Program.ts"
import { temporaryFolder } from "../support/temporaryFolder.ts"
import { TestDatabase } from "../support/TestDatabase.ts"

const within = (programs: ReadonlyArray<Program.Program>) => ({ within: "90 seconds", programs } as const)

/** Takes nobody's login and says so with what it was given; counts what came. */
const refusingHttp = Effect.acquireRelease(
  Effect.promise(() =>
    new Promise<{ readonly url: string; readonly seen: Array<string>; readonly server: http.Server }>((resolve) => {
      const seen: Array<string> = []
      const server = http.createServer((request, response) => {
        const body: Array<Buffer> = []
        request.on("data", (chunk: Buffer) => body.push(chunk))
        request.on("end", () => {
          const text = `${request.url} ${JSON.stringify(request.headers)} ${Buffer.concat(body)}`
          seen.push(text)
          response.writeHead(401, { "content-type": "text/plain" })
          response.end(`no: ${request.headers.authorization ?? ""} ${Buffer.concat(body)}`)
        })
      })
      server.listen(0, "127.0.0.1", () => {
        // boundary: a TCP server has an address with a port.
        const { port } = server.address() as AddressInfo
        resolve({ url: `http://127.0.0.1:${port}`, seen, server })
      })
    })
  ),
  ({ server }) =>
    Effect.promise(() => {
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      return closed
    })
)

const OpenApi = Schema.Struct({ paths: Schema.Record(Schema.String, Schema.Unknown) })
const decodeOpenApi = Schema.decodeUnknownSync(Schema.fromJsonString(OpenApi))

/** What the HTTP side of a program answers at each of its addresses, to strangers and to whoever has the token. */
const httpAnswers = (address: string, token?: string) =>
  Effect.promise(async () => {
    const ask = async (at: string, authorization?: string) => {
      const response = await fetch(`http://${address}${at}`, {
        signal: AbortSignal.timeout(5_000),
        ...(authorization === undefined ? {} : { headers: { authorization } })
      })
      return `${response.status} ${JSON.stringify([...response.headers])} ${await response.text()}`
    }
    const own = token === undefined ? undefined : `Bearer ${token}`
    const document = await ask("/api/openapi.json", own)
    const { paths } = decodeOpenApi(document.slice(document.indexOf("{")))
    // A trace goes on and on.
    const asked = Object.keys(paths).filter((at) => at !== "/api/tree/trace")
    const all = [...asked, "/api/tree/trace?path=Nobody", "/health/ready?verbose", "/nothing"]
    assert.isAtLeast(all.length, 7)
    const answers = [document]
    for (const at of all) answers.push(await ask(at, own), await ask(at, `${own ?? "Bearer "}x`))
    return answers.join("\n")
  })

/** What the trace of a whole tree tells from now until the scope closes. */
const traced = Effect.fnUntraced(function*(address: string, root: string) {
  const stop = new AbortController()
  yield* Effect.addFinalizer(() => Effect.sync(() => stop.abort()))
  const said = { text: "" }
  // The answer begins with the first thing that happens.
  const reading = async () => {
    const response = await fetch(`http://${address}/api/tree/trace?path=${root}`, { signal: stop.signal })
    for await (const chunk of response.body ?? []) said.text += Buffer.from(chunk).toString("utf8")
  }
  reading().catch(() => undefined)
  return said
})

/** Every file below the folder but those that the test wrote. */
const filesIn = (folder: string, own: ReadonlyArray<string>) =>
  Effect.promise(async () => {
    const entries = await fs.readdir(folder, { recursive: true, withFileTypes: true })
    const files = entries.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name))
    const texts = await Promise.all(
      files.filter((file) => !own.includes(file)).map(async (file) => `${file}\n${await fs.readFile(file, "latin1")}`)
    )
    return texts.join("\n")
  })

/** Every row of every table. */
const rowsIn = (url: Redacted.Redacted) =>
  Effect.scoped(Effect.gen(function*() {
    const sql = yield* PgClient.make({ url, maxConnections: 1 })
    const tables = yield* sql<{ readonly name: string }>`
      select format('%I.%I', table_schema, table_name) as name from information_schema.tables
      where table_schema not in ('pg_catalog', 'information_schema') and table_type = 'BASE TABLE'`
    const rows = yield* Effect.forEach(
      tables,
      ({ name }) => sql.unsafe<{ readonly row: string }>(`select t::text as row from ${name} t`)
    )
    return { text: rows.flat().map(({ row }) => row).join("\n"), count: rows.flat().length }
  })).pipe(Effect.provide(Reactivity.layer))

/** A user of the test's server with this password, who may do everything in its database. */
const databaseUser = Effect.fnUntraced(function*(password: string) {
  const { url } = yield* TestDatabase
  const name = `planted_${Math.random().toString(36).slice(2)}`
  const sql = yield* PgClient.make({ url, maxConnections: 1 }).pipe(Effect.provide(Reactivity.layer))
  yield* Effect.acquireRelease(
    sql.unsafe(`create role ${name} login superuser password '${password}'`),
    () => Effect.ignore(Effect.timeout(sql.unsafe(`drop owned by ${name}; drop role ${name}`), "5 seconds"))
  )
  const own = new URL(Redacted.value(url))
  own.username = name
  own.password = password
  return own
})

const assertNothing = (secrets: PlantedSecrets.PlantedSecrets, texts: Readonly<Record<string, string>>) => {
  const leaks = Object.entries(texts).flatMap(([where, text]) =>
    secrets.foundIn(text).map((place) => `${place} in ${where}: ${secrets.around(place, text)}`)
  )
  assert.deepStrictEqual(leaks, [])
}

const allOf = (program: Program.Program): string => `${program.stdout()}\n${program.output()}`

const request = (details: string, serviceType = "http") => ({
  serviceName: "planted",
  serviceType,
  agentId: "",
  pollerId: "poller-1",
  details,
  port: 0
})

const has = (what: string, programs: ReadonlyArray<Program.Program>, isTrue: () => boolean) =>
  Program.eventually(what, Effect.sync(() => Option.liftPredicate(true, isTrue)), within(programs))

/** Most of it is waiting for programs that start. */
describe.concurrent("Planted secrets", () => {
  it.live("are in nothing that agent, poller and core write, print, answer and store", () =>
    Effect.gen(function*() {
      const secrets = PlantedSecrets.make()
      const { at } = secrets
      const folder = yield* temporaryFolder
      const web = yield* refusingHttp
      const database = yield* databaseUser(at("database password"))
      const nats = yield* NatsServer.start({
        config: `authorization { users: [{ user: core, password: ${at("nats password")} }] }`
      })
      const refused = `127.0.0.1:${yield* Program.freePort}`
      const ports = {
        core: yield* Program.freePort,
        coreHttp: yield* Program.freePort,
        agent: yield* Program.freePort,
        agentHttp: yield* Program.freePort,
        pollerHttp: yield* Program.freePort
      }
      const checks = [
        {
          url: `${web.url.replace("://", `://me:${at("check password")}@`)}/a?token=${at("check parameter")}`,
          headers: { "x-api-key": at("check header") },
          method: "POST",
          body: at("check body")
        },
        { url: `http://me:${at("refused password")}@${refused}/`, headers: { cookie: at("refused header") } },
        { url: `http://me:${at("unknown host password")}@no.such.host.invalid/` },
        { url: web.url, headers: { authorization: [at("header of a wrong shape")] } },
        { url: `http//me:${at("password of no address")}@x` }
      ].map((one, index) => ({ service_type: "http", service_name: `web-${index}`, details: JSON.stringify(one) }))
      const documents = {
        core: {
          listen_addr: `0.0.0.0:${ports.coreHttp}`,
          grpc_addr: `127.0.0.1:${ports.core}`,
          alert_threshold: "1s",
          webhooks: [{
            enabled: true,
            url: `${web.url}/hook/${at("webhook path")}`,
            headers: [{ key: "X-Key", value: at("webhook header") }]
          }, { enabled: true, url: `http://u:${at("webhook password")}@${refused}/${at("refused webhook path")}` }],
          logging: { level: "debug", otel: { headers: { "x-tenant": at("otel header") } } }
        },
        agent: {
          agent_id: "agent-1",
          listen_addr: `127.0.0.1:${ports.agent}`,
          checkers_dir: path.join(folder, "checkers"),
          logging: { level: "debug" }
        },
        poller: {
          poller_id: "poller-1",
          core_address: `127.0.0.1:${ports.core}`,
          poll_interval: "1s",
          source_ip: "127.0.0.1",
          agents: {
            "agent-1": {
              address: `127.0.0.1:${ports.agent}`,
              checks: [
                ...checks,
                { service_type: "grpc", service_name: "odd", details: `me:${at("userinfo of a target")}@x:1` }
              ]
            }
          },
          logging: { level: "debug" }
        }
      }
      const own = Object.keys(documents).map((name) => path.join(folder, `${name}.json`))
      const checker = path.join(folder, "checkers", "snmp.json")
      yield* Effect.promise(async () => {
        for (const [name, document] of Object.entries(documents)) {
          await fs.writeFile(path.join(folder, `${name}.json`), JSON.stringify(document))
        }
        await fs.mkdir(path.dirname(checker))
        const targets = [{ name: "router", community: at("snmp community"), auth_password: at("snmp password") }]
        await fs.writeFile(
          checker,
          JSON.stringify({
            name: "snmp",
            type: "snmp",
            timeout: "thirty",
            details: targets
          })
        )
      })
      const start = (
        name: keyof typeof documents,
        args: ReadonlyArray<string>,
        env: Readonly<Record<string, string>>
      ) =>
        Program.start([name, "--config", path.join(folder, `${name}.json`), ...args], {
          cwd: folder,
          env: {
            SERVICERADAR_HTTP_TOKEN: at("http token"),
            SERVICERADAR_SECURITY_WEBHOOK: `http://${refused}/${at("security webhook")}`,
            ...env
          }
        })
      const core = yield* start("core", [], {
        DATABASE_URL: database.href,
        NATS_URL: `nats://core:${at("nats password")}@127.0.0.1:${nats.port}`
      })
      const agent = yield* start("agent", ["--http", `127.0.0.1:${ports.agentHttp}`], {
        NATS_URL: `nats://core:${at("wrong nats password")}@127.0.0.1:${nats.port}`
      })
      const poller = yield* start("poller", ["--http", `127.0.0.1:${ports.pollerHttp}`], {
        NATS_URL: `nats://${at("nats token")}@127.0.0.1:${nats.port}`
      })
      const programs = [core, agent, poller]

      yield* Effect.forEach(
        [ports.agentHttp, ports.pollerHttp],
        (port) =>
          Program.eventually(
            "HTTP",
            Effect.asSome(Program.fetchJson(`http://127.0.0.1:${port}/health/live`)),
            within(programs)
          )
      )
      const traces = [
        yield* traced(`127.0.0.1:${ports.agentHttp}`, "Agent"),
        yield* traced(`127.0.0.1:${ports.pollerHttp}`, "Poller")
      ]

      yield* Program.eventually(
        "every check stored",
        Effect.map(
          rowsIn(Redacted.make(database.href)),
          ({ text }) =>
            Option.liftPredicate(text, (rows) => [0, 1, 2, 3, 4].every((one) => rows.includes(`web-${one}`)))
        ),
        within(programs)
      )
      // They were used, not left out.
      for (const place of ["check password", "check header", "check body", "check parameter"]) {
        yield* has(`a request with the ${place}`, programs, () =>
          web.seen.some((one) =>
            secrets.foundIn(`${one}${Buffer.from(/Basic (\S+?)"/.exec(one)?.[1] ?? "", "base64")}`).includes(place)
          ))
      }
      yield* has("logins not taken", [agent, poller], () =>
        [agent, poller].every((one) =>
          /authorization violation/i.test(allOf(one))
        ))
      const client = yield* GrpcClient.make(AgentServiceService, { target: `127.0.0.1:${ports.agent}` })
      const asked = yield* Effect.forEach([
        request(`{"url":"${web.url}","headers":{"a":"${at("header of broken JSON")}"}`),
        request(`postgresql://me:${at("password of another scheme")}@db`),
        request(`me:${at("password of a port target")}@host:22`, "port"),
        request(`me:${at("password of an icmp target")}@host`, "icmp"),
        request(JSON.stringify({ url: `http://me:${at("password of a loopback")}@${refused}` })),
        request(`x${at("details of a type that is not known")}`, "snmp")
      ], (one) =>
        client.getStatus(one).pipe(
          Effect.match({
            onFailure: (error) =>
              `${error.message} ${JSON.stringify(error)}`,
            onSuccess: ({ message }) =>
              message.toString("utf8")
          })
        ))
      const results = yield* Effect.flip(client.getResults({
        ...request(`me:${at("userinfo of results")}@x`, "other"),
        lastSequence: "",
        completionStatus: undefined
      }))
      yield* poller.kill("SIGTERM")
      yield* poller.exited
      yield* has(
        "the alert tried at the webhook",
        programs,
        () =>
          web.seen.some((one) => one.includes(at("webhook path")) && one.includes(at("webhook header")))
      )
      const rows = yield* rowsIn(Redacted.make(database.href))
      const answers = {
        core: yield* httpAnswers(`127.0.0.1:${ports.coreHttp}`, at("http token")),
        agent: yield* httpAnswers(`127.0.0.1:${ports.agentHttp}`)
      }

      assert.isAbove(rows.count, 5)
      assertNothing(secrets, {
        "the output of core": allOf(core),
        "the output of the agent": allOf(agent),
        "the output of the poller": allOf(poller),
        "the answers of core": answers.core,
        "the answers of the agent": answers.agent,
        "the traces of the trees": traces.map(({ text }) => text).join("\n"),
        "answers of gRPC": asked.join("\n"),
        "errors of gRPC": `${results.message} ${JSON.stringify(results)}`,
        "the database": rows.text,
        "the streams of NATS": yield* filesIn(nats.directory, []),
        "the folder": yield* filesIn(folder, [...own, checker])
      })
    }).pipe(Effect.provide(TestDatabase.layer)), 240_000)

  it.live(
    "are in nothing of the event writer, and communities and keys of devices are not stored",
    () =>
      Effect.gen(function*() {
        const secrets = PlantedSecrets.make()
        const { at } = secrets
        const folder = yield* temporaryFolder
        const database = yield* databaseUser(at("cnpg password"))
        const nats = yield* NatsServer.start({
          config: `authorization { users: [{ user: writer, password: ${at("nats password")} }] }`
        })
        const accounts = NatsAccounts.userKeys()
        const files = { creds: path.join(folder, "nats.creds"), password: path.join(folder, "password") }
        yield* Effect.promise(() => fs.writeFile(files.password, at("password file")))
        yield* Effect.promise(() => fs.writeFile(files.creds, at("creds file that is none")))
        const http = yield* Program.freePort
        const cnpg = {
          CNPG_HOST: database.hostname,
          CNPG_PORT: database.port,
          CNPG_DATABASE: database.pathname.slice(1),
          CNPG_USERNAME: database.username,
          CNPG_SSL_MODE: "disable"
        }
        const { DATABASE_URL: _, NATS_URL: __, ...usual } = EventWriter.environment("", "")
        const start = (env: Readonly<Record<string, string>>, args: ReadonlyArray<string> = []) =>
          Program.start(["event-writer", ...args], {
            cwd: folder,
            env: { ...usual, LOG_LEVEL: "debug", ...cnpg, ...env }
          })
        const url = `nats://127.0.0.1:${nats.port}`
        const writer = yield* start({
          NATS_URL: url,
          NATS_USER: "writer",
          NATS_PASSWORD: at("nats password"),
          CNPG_PASSWORD: at("cnpg password")
        }, ["--http", `127.0.0.1:${http}`])
        const connection = yield* Effect.acquireRelease(
          Effect.promise(() => connect({ servers: url, user: "writer", pass: at("nats password"), timeout: 5_000 })),
          (one) => Effect.promise(() => one.close())
        )
        yield* EventWriter.awaitStreams(connection)
        const trap = {
          version: "v2c",
          community: at("community of a trap"),
          source: "10.0.0.1:162",
          trap_oid: "1.3.6.1.6.3.1.1.5.3",
          varbinds: [{ oid: "1.3.6.1.6.3.18.1.4.0", type: "OctetString", value: at("community in a variable") }],
          authPassword: at("key of SNMPv3")
        }
        yield* Effect.promise(() => connection.request("events.snmp", JSON.stringify(trap), { timeout: 5_000 }))
        const rows = yield* Program.eventually(
          "the trap stored",
          Effect.map(
            rowsIn(Redacted.make(database.href)),
            Option.liftPredicate(({ text }) => text.includes("10.0.0.1"))
          ),
          within([writer])
        )
        const answers = yield* httpAnswers(`127.0.0.1:${http}`)
        yield* writer.kill("SIGTERM")

        const failing = yield* Effect.forEach([
          {
            NATS_URL: url,
            NATS_USER: "writer",
            NATS_PASSWORD: at("wrong nats password"),
            CNPG_PASSWORD: at("wrong cnpg")
          },
          {
            NATS_URL: `nats://writer:${at("wrong password in the address")}@127.0.0.1:${nats.port}`,
            CNPG_PASSWORD: "x"
          },
          { NATS_URL: url, NATS_CREDS_FILE: files.creds, CNPG_PASSWORD_FILE: files.password },
          { NATS_URL: url, EVENT_WRITER_NATS_NKEY_SEED: accounts.seed, CNPG_PASSWORD: at("second wrong cnpg") },
          { NATS_URL: url, EVENT_WRITER_NATS_NKEY_SEED: at("seed that is none"), CNPG_PASSWORD: "x" },
          {
            NATS_URL: url,
            EVENT_WRITER_NATS_NKEY_SEED: accounts.seed,
            EVENT_WRITER_NATS_JWT: at("jwt that is none"),
            CNPG_PASSWORD: "x"
          }
        ], (env) =>
          Effect.gen(function*() {
            const program = yield* start(env)
            yield* has("a word about it", [program], () =>
              !program.isRunning() ||
              /(NATS|PostgreSQL|password authentication)[^\n]{0,300}(refus|fail|cannot|not|violation)/i.test(
                allOf(program)
              ))
            yield* program.kill("SIGTERM")
            yield* program.exited
            return allOf(program)
          }), { concurrency: 2 })

        assertNothing(secrets, {
          "the output of the writer": allOf(writer),
          "its answers": answers,
          "the output of failing writers": failing.join("\n"),
          "the database": rows.text
        })
        assert.notInclude(failing.join("\n"), accounts.seed)
      }).pipe(Effect.provide(TestDatabase.layer)),
    240_000
  )

  it.live("are in nothing of the sync service, whose sources do not take them", () =>
    Effect.gen(function*() {
      const secrets = PlantedSecrets.make()
      const { at } = secrets
      const folder = yield* temporaryFolder
      const web = yield* refusingHttp
      const refused = `127.0.0.1:${yield* Program.freePort}`
      const ports = { grpc: yield* Program.freePort, http: yield* Program.freePort }
      const config = path.join(folder, "sync.json")
      const queries = [{ label: "all", query: "in:devices", sweep_modes: ["icmp"] }]
      const armis = (endpoint: string, secret: string) => ({
        type: "armis",
        endpoint,
        credentials: { secret_key: secret },
        queries
      })
      const netbox = (endpoint: string, token: string) => ({
        type: "netbox",
        endpoint,
        credentials: { api_token: token }
      })
      const spool = path.join(folder, "spool")
      yield* Effect.promise(() =>
        fs.writeFile(
          config,
          JSON.stringify({
            listen_addr: `127.0.0.1:${ports.grpc}`,
            nats_url: `nats://sync:${at("nats password")}@${refused}`,
            discovery_interval: "1s",
            agent_id: "agent-a",
            spool_dir: spool,
            sources: {
              armis: armis(web.url, at("armis secret")),
              netbox: netbox(web.url, at("netbox token")),
              "armis-away": armis(`http://u:${at("endpoint password")}@${refused}/api`, at("second armis secret")),
              "netbox-away": netbox(`http://u:${at("second endpoint password")}@${refused}`, at("second netbox token"))
            },
            logging: { level: "debug" }
          })
        )
      )
      const sync = yield* Program.start(["sync", "--config", config, "--http", `127.0.0.1:${ports.http}`], {
        cwd: folder
      })
      yield* has("both refused", [sync], () =>
        ["armis secret", "netbox token"].every((place) =>
          web.seen.some((one) => one.includes(at(place)))
        ))
      yield* has("what the sources said", [sync], () =>
        ["armis", "netbox", "armis-away", "netbox-away"].every((name) =>
          allOf(sync).includes(`ource ${name}`)
        ))
      const client = yield* GrpcClient.make(AgentServiceService, { target: `127.0.0.1:${ports.grpc}` })
      const status = yield* client.getStatus(request("", "sync"))
      const answers = yield* httpAnswers(`127.0.0.1:${ports.http}`)
      yield* sync.kill("SIGTERM")
      yield* sync.exited
      const plan = yield* Program.start(["sync", "plan", "--config", config], { cwd: folder })
      yield* plan.exited

      assertNothing(secrets, {
        "the output": allOf(sync),
        "the output of a plan": allOf(plan),
        "its answers": answers,
        "its status": status.message.toString("utf8"),
        "the spool": yield* filesIn(spool, [])
      })
    }), 240_000)

  it.live("are in nothing that commands and failing starts print", () =>
    Effect.gen(function*() {
      const secrets = PlantedSecrets.make()
      const { at } = secrets
      const folder = yield* temporaryFolder
      const refused = `127.0.0.1:${yield* Program.freePort}`
      const files = {
        core: path.join(folder, "core.json"),
        writer: path.join(folder, "writer.json"),
        broken: path.join(folder, "broken.json")
      }
      const coreFile = {
        listen_addr: `127.0.0.1:${yield* Program.freePort}`,
        grpc_addr: `127.0.0.1:${yield* Program.freePort}`,
        data_dir: path.join(folder, "core.json", "in-a-file")
      }
      yield* Effect.promise(async () => {
        await fs.writeFile(files.core, JSON.stringify(coreFile))
        await fs.writeFile(
          files.writer,
          JSON.stringify({
            listen_addr: "127.0.0.1:0",
            nats_url: `nats//w:${at("password of no address")}@x`,
            stream_name: "events",
            consumer_name: "writer",
            table: "events",
            cnpg: { host: "", password: [at("cnpg password in a list")], database: 5, username: "u" }
          })
        )
        await fs.writeFile(files.broken, `{"database_url": "postgresql://u:${at("password of a broken file")}@h/d", }`)
      })
      const wrong = {
        DATABASE_URL: `postgres//u:${at("password of no database address")}@h`,
        NATS_URL: `nats//u:${at("password of no nats address")}@h`,
        SERVICERADAR_SECURITY_WEBHOOK: `hooks/${at("webhook that is none")}`
      }
      const commands: ReadonlyArray<readonly [ReadonlyArray<string>, Readonly<Record<string, string>>]> = [
        [["config", "check", files.writer], {}],
        [["config", "check", files.broken, "--json"], {}],
        [["check", "http", `http//u:${at("password of a wrong url")}@h`], {}],
        [["check", "http", JSON.stringify({ url: `http://u:${at("password at a refused port")}@${refused}` })], {}],
        [["dlq", "list", "--server", `nats//u:${at("password in a flag")}@h`], {}],
        [["dlq", "list", "--server", `nats://u:${at("password of a refused server")}@${refused}`], {}],
        [["--log-level", "debug", "core", "--config", files.core], { DATABASE_URL: wrong.DATABASE_URL }],
        [["core", "--config", files.core], { SERVICERADAR_SECURITY_WEBHOOK: wrong.SERVICERADAR_SECURITY_WEBHOOK }],
        [["event-writer"], { ...wrong, SERVICERADAR_SECURITY_WEBHOOK: "" }],
        [["agent", "--http", "0.0.0.0:0"], { SERVICERADAR_HTTP_TOKEN: at("short").slice(0, 12) }],
        [
          [
            "event-writer",
            "--compare",
            "--left=a",
            "--right=b",
            `--database=postgresql://u:${at("password of the left side")}@${refused}/d`,
            `--right-database=postgres//u:${at("password of the right side")}@h`
          ],
          {}
        ],
        [["tree", "--url", `http://u:${at("password of a tree")}@${refused}`], {}]
      ]
      const outputs = yield* Effect.forEach(commands, ([args, env]) =>
        Effect.gen(function*() {
          const program = yield* Program.start(args, { cwd: folder, env: { NATS_URL: "", DATABASE_URL: "", ...env } })
          const code = yield* program.exited.pipe(Effect.timeout("100 seconds"))
          return { name: `serviceradar ${args[0]} ${args[1] ?? ""}`, code, text: allOf(program) }
        }), { concurrency: 2 })

      assert.deepStrictEqual(outputs.filter(({ code, text }) => code === 0 || text.trim() === ""), [])
      assertNothing(secrets, Object.fromEntries(outputs.map(({ name, text }, index) => [`${index}: ${name}`, text])))
      assert.notInclude(outputs.map(({ text }) => text).join("\n"), at("short").slice(0, 12))
    }), 240_000)
})
