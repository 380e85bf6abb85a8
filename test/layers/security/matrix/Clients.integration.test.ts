/** Every certificate that may meet where our programs dial: an external checker, NATS, PostgreSQL. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Option, Redacted, References, Schedule, Stream } from "effect"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import * as AgentConfig from "../../../../src/domain/agent/AgentConfig.ts"
import * as SecurityConfig from "../../../../src/domain/security/SecurityConfig.ts"
import * as AgentServiceHandlers from "../../../../src/layers/agent/AgentServiceHandlers.ts"
import { NatsConnection } from "../../../../src/layers/nats/connection/NatsConnection.ts"
import { NatsEndpoint } from "../../../../src/layers/nats/connection/NatsEndpoint.ts"
import { DatabaseEndpoint } from "../../../../src/layers/postgres/connection/DatabaseEndpoint.ts"
import * as DatabaseTls from "../../../../src/layers/postgres/connection/DatabaseTls.ts"
import { PgConnection } from "../../../../src/layers/postgres/connection/PgConnection.ts"
import * as SqlFailure from "../../../../src/layers/postgres/connection/SqlFailure.ts"
import { GrpcCheckers } from "../../../../src/layers/probes/GrpcCheckers.ts"
import * as GrpcAuthorization from "../../../../src/layers/security/GrpcAuthorization.ts"
import { SecurityMonitor } from "../../../../src/services/security/SecurityMonitor.ts"
import { type Authority, authority, type Issued, write } from "../../../support/authority.ts"
import * as natsClient from "../../../support/natsClient.ts"
import * as natsServer from "../../../support/natsServer.ts"
import { secured } from "../../../support/secured.ts"
import * as SecuredPostgres from "../../../support/securedPostgres.ts"
import { temporaryFolder } from "../../../support/temporaryFolder.ts"
import { agentService, serveOn, statusRequest, statusResponse } from "../../grpc/fixture.ts"
import * as Certificates from "./certificates.ts"

const host = "127.0.0.1"
const quiet = Effect.provideService(References.MinimumLogLevel, "None")

type Kind = Certificates.Kind | "wrong name"
const kinds: ReadonlyArray<Kind> = [...Certificates.kinds, "wrong name"]

const blockOf = (folder: string, name: string, more: Partial<SecurityConfig.SecurityBlock> = {}) =>
  SecurityConfig.fromBlock({
    mode: "mtls",
    cert_dir: folder,
    tls: { cert_file: `${name}.pem`, key_file: `${name}-key.pem`, ca_file: "root.pem" },
    ...more
  })

/** What is dialled shows the certificate of this kind. */
const ofChecker = (ca: Authority, kind: Kind): Issued | undefined =>
  kind === "wrong name"
    ? { ...ca.issue({ commonName: "checker.serviceradar", dnsNames: ["other.example"], addresses: ["192.0.2.1"] }) }
    : Certificates.present(ca, kind, { valid: "checker.serviceradar", withoutPermission: "checker.serviceradar" })

/** A checker that does not know our role, where the agent lacks the permission. */
const checker = Effect.fnUntraced(function*(ca: Authority, kind: Kind) {
  const services = [agentService({ getStatus: () => Effect.succeed(statusResponse("there")) })] as const
  const shown = ofChecker(ca, kind)
  if (shown === undefined) return yield* serveOn(0, {}, ...services)
  const folder = yield* temporaryFolder
  yield* Effect.promise(() => write(folder, "checker", shown, ca.root))
  const roles = kind === "without the permission" ? {} : { identity_roles: { "agent.serviceradar": "poller" } as const }
  // Its own files would be refused where they are not timely: a stranger's server has no such scruples.
  const security = blockOf(folder, "checker", roles)
  const read = (name: string) => Effect.promise(() => fs.readFile(path.join(folder, name), "utf8"))
  const credentials = {
    tls: {
      cert: yield* read("checker.pem"),
      key: yield* read("checker-key.pem"),
      ca: ca.root,
      minVersion: "TLSv1.3" as const,
      requestCert: true,
      rejectUnauthorized: true
    }
  }
  const interceptors = ["valid", "without the permission", "unknown identity"].includes(kind)
    ? yield* GrpcAuthorization.interceptors(security, host, [AgentServiceHandlers.requirements])
    : []
  return yield* serveOn(0, { credentials, interceptors }, ...services)
})

const checkerOutcomes: Readonly<Record<Kind, RegExp>> = {
  "no certificate": /^Unavailable: .*(wrong version number|packet length|disconnected|EPROTO)/i,
  "self-signed": /^Unavailable: .*self-signed certificate/,
  "other CA": /^Unavailable: .*(unable to verify|unable to get local issuer)/,
  expired: /^Unavailable: .*certificate has expired/,
  "not yet valid": /^Unavailable: .*certificate is not yet valid/,
  "unknown identity": /^Unavailable: .*somebody is not one of the allowed_common_names/,
  "without the permission": /^PermissionDenied: .*agent\.serviceradar lacks the permission/,
  "wrong name": /^Unavailable: .*(does not match certificate|altnames|not in the cert)/i,
  valid: /^answered$/
}

/** What the agent's monitor is told. */
const checkerEvents: Readonly<Record<Kind, ReadonlyArray<string>>> = {
  "no certificate": ["ConnectionAttempt"],
  "self-signed": ["CertificateRejected", "ConnectionAttempt"],
  "other CA": ["CertificateRejected", "ConnectionAttempt"],
  expired: ["CertificateRejected", "ConnectionAttempt"],
  "not yet valid": ["CertificateRejected", "ConnectionAttempt"],
  "unknown identity": ["CertificateRejected", "ConnectionAttempt"],
  // The checker's own verdict, of which its monitor hears.
  "without the permission": ["ConnectionAttempt"],
  "wrong name": ["CertificateRejected", "ConnectionAttempt"],
  valid: ["ConnectionAttempt"]
}

describe("An external checker with certificates of every kind", () => {
  it.live.each(kinds)("is asked or refused, and it is told of: %s", (kind) =>
    Effect.gen(function*() {
      const ca = authority()
      const { events, monitor } = yield* Certificates.recording
      const { port } = yield* checker(ca, kind)
      const folder = yield* temporaryFolder
      yield* Effect.promise(() => write(folder, "agent", ca.issue(), ca.root))
      const config: AgentConfig.AgentConfig = {
        ...AgentConfig.fromFile({}),
        security: blockOf(folder, "agent", { allowed_common_names: ["checker.serviceradar"] })
      }
      const found = yield* Effect.gen(function*() {
        const checkers = yield* GrpcCheckers
        const { agent } = yield* checkers.connect("odd", `${host}:${port}`)
        return yield* agent.getStatus(statusRequest("odd"), { deadline: "8 seconds" })
      }).pipe(
        Effect.match({ onFailure: (error) => `${error._tag}: ${error.message}`, onSuccess: () => "answered" }),
        Effect.provide(GrpcCheckers.layer(config)),
        Effect.provideService(SecurityMonitor, monitor)
      )

      assert.match(found, checkerOutcomes[kind])
      assert.deepStrictEqual(Certificates.namesOf(events), checkerEvents[kind])
    }).pipe(Effect.provide(secured), quiet))
})

const natsNames = { valid: "poller.serviceradar", withoutPermission: "agent.serviceradar" }

const filesOf = Effect.fnUntraced(function*(ca: Authority, shown: Issued | undefined) {
  const folder = yield* temporaryFolder
  const caFile = path.join(folder, "root.pem")
  if (shown === undefined) {
    yield* Effect.promise(() => fs.writeFile(caFile, ca.root))
    return { caFile }
  }
  yield* Effect.promise(() => write(folder, "client", shown, ca.root))
  return { caFile, certFile: path.join(folder, "client.pem"), keyFile: path.join(folder, "client-key.pem") }
})

const natsOutcomes: Readonly<Record<Kind, readonly [RegExp, ReadonlyArray<string>]>> = {
  // In TLS 1.3 the refusal follows the client's first bytes, and the reset of the connection may overtake it.
  "no certificate": [/^(refused|away): .*(certificate required|bad certificate|closed|reset)/i, ["ConnectionAttempt"]],
  "self-signed": [/^(refused|away): .*(certificate|unknown ca|closed|reset)/i, ["ConnectionAttempt"]],
  "other CA": [/^(refused|away): .*(certificate|unknown ca|closed|reset)/i, ["ConnectionAttempt"]],
  expired: [/^refused: NATS credentials, .*client\.pem: .*has expired/, ["ConnectionAttempt"]],
  "not yet valid": [/^refused: NATS credentials, .*client\.pem: .*is not valid before/, ["ConnectionAttempt"]],
  "unknown identity": [/^refused: .*authorization violation/i, ["ConnectionAttempt"]],
  "without the permission": [/^denied: .*permissions violation/i, []],
  "wrong name": [/^refused: .*(altnames|does not match)/i, ["ConnectionAttempt"]],
  valid: [/^connected$/, []]
}

describe("NATS with certificates of every kind", () => {
  it.live.each(kinds)("lets the program in or is refused, and it is told of: %s", (kind) =>
    Effect.gen(function*() {
      const ca = authority()
      const { events, monitor } = yield* Certificates.recording
      const folder = yield* temporaryFolder
      const name = kind === "wrong name" ? { dnsNames: ["other.example"], addresses: ["192.0.2.1"] } : {}
      yield* Effect.promise(() =>
        write(folder, "nats", ca.issue({ commonName: "nats.serviceradar", ...name }), ca.root)
      )
      const file = (one: string) => JSON.stringify(path.join(folder, one))
      const server = yield* natsServer.start({
        config: [
          `tls { cert_file: ${file("nats.pem")}, key_file: ${file("nats-key.pem")}, ca_file: ${file("root.pem")}`,
          "verify_and_map: true }",
          "authorization { users: [",
          `{ user: "CN=${natsNames.valid},O=ServiceRadar" },`,
          `{ user: "CN=${natsNames.withoutPermission},O=ServiceRadar", permissions: { publish: { deny: ">" } } }`,
          "] }"
        ].join("\n")
      })
      const tls = yield* filesOf(ca, Certificates.present(ca, kind === "wrong name" ? "valid" : kind, natsNames))
      const found = yield* Effect.gen(function*() {
        const connection = yield* NatsConnection
        yield* Effect.forkScoped(connection.keep)
        const status = yield* connection.changes.pipe(
          Stream.filter(({ _tag }) => _tag !== "Connecting"),
          Stream.runHead,
          Effect.timeout("20 seconds")
        )
        if (Option.isNone(status)) return "nothing"
        if (status.value._tag === "Away") {
          yield* Effect.sync(() => events.length).pipe(
            Effect.repeat({ until: (count) => count > 0, schedule: Schedule.spaced("10 millis") }),
            // A close that comes before the alert tells nothing; the attempt after it does.
            Effect.timeoutOption("20 seconds")
          )
          return `${status.value.isRefused ? "refused" : "away"}: ${status.value.detail}`
        }
        const { jsm } = yield* natsClient.ready(connection)
        return yield* Effect.tryPromise(() => jsm.getAccountInfo()).pipe(
          Effect.match({ onFailure: (error) => `denied: ${String(error.cause)}`, onSuccess: () => "connected" })
        )
      }).pipe(
        Effect.scoped,
        Effect.provide(
          NatsConnection.layer({ credentials: { tls } }).pipe(
            Layer.provide(NatsEndpoint.layer(Option.some(Redacted.make(server.url))))
          )
        ),
        Effect.provideService(SecurityMonitor, monitor)
      )

      const [outcome, told] = natsOutcomes[kind]
      assert.match(found, outcome)
      assert.deepStrictEqual(Certificates.namesOf(events), told)
    }).pipe(Effect.provide(secured), quiet), 60_000)
})

const databaseNames = { valid: "serviceradar", withoutPermission: "reader" }

const databaseOutcomes: Readonly<Record<Kind, readonly [RegExp, ReadonlyArray<string>]>> = {
  "no certificate": [/connection requires a valid client certificate/, ["ConnectionAttempt"]],
  "self-signed": [/certificate|unknown ca|terminated|closed/i, ["ConnectionAttempt"]],
  "other CA": [/certificate|unknown ca|terminated|closed/i, ["ConnectionAttempt"]],
  expired: [/^TLS file .*client\.pem: .*has expired/, []],
  "not yet valid": [/^TLS file .*client\.pem: .*is not valid before/, []],
  "unknown identity": [/authentication failed for user/, ["ConnectionAttempt"]],
  "without the permission": [/permission denied for table/, []],
  "wrong name": [/altnames|does not match/i, ["ConnectionAttempt"]],
  valid: [/^connected$/, []]
}

/** What becomes of the first attempt of a program with these certificates. */
const databaseAttempt = Effect.fnUntraced(function*(url: URL, shown: Issued | undefined, ca: Authority) {
  const { events, monitor } = yield* Certificates.recording
  const files = yield* filesOf(ca, shown)
  const loaded = yield* Effect.result(
    DatabaseTls.load({ tls: Option.some({ ...files, verifiesName: true }), sslMode: Option.none() })
  )
  if (loaded._tag === "Failure") return { found: loaded.failure.message, events }
  const found = yield* Effect.gen(function*() {
    const connection = yield* PgConnection
    yield* Effect.forkScoped(connection.keep)
    const client = yield* connection.client.pipe(
      Effect.retry({ schedule: Schedule.spaced("50 millis"), while: ({ detail }) => detail === "not connected yet" }),
      Effect.timeout("15 seconds")
    )
    yield* client`select * from pg_authid limit 1`
    return "connected"
  }).pipe(
    Effect.catch((error) => Effect.succeed("detail" in error ? error.detail : SqlFailure.detail(error))),
    Effect.scoped,
    Effect.provide(
      PgConnection.layer({ maxConnections: 1, tls: loaded.success }).pipe(
        Layer.provide(DatabaseEndpoint.layer(Option.some(Redacted.make(url.href))))
      )
    ),
    Effect.provideService(SecurityMonitor, monitor)
  )
  return { found, events }
})

describe("PostgreSQL with certificates of every kind", () => {
  it.live("lets the program in or is refused, and it is told of", () =>
    Effect.gen(function*() {
      const ca = authority()
      const own = { commonName: "db.serviceradar" }
      const postgres = yield* SecuredPostgres.start(ca.issue(own), ca.root, "clientcert=verify-full")
      yield* postgres.sql`create role reader login password 'reader'`
      for (const kind of kinds) {
        const url = new URL(postgres.url)
        if (kind === "without the permission") {
          url.username = "reader"
          url.password = "reader"
        }
        if (kind === "wrong name") {
          const other = { ...own, dnsNames: ["other.example"], addresses: ["192.0.2.1"] }
          yield* postgres.secure(ca.issue(other), ca.root)
        }
        const shown = Certificates.present(ca, kind === "wrong name" ? "valid" : kind, databaseNames)
        const isWanted = ({ found }: { readonly found: string }) => databaseOutcomes[kind][0].test(found)
        const { events, found } = yield* Effect.scoped(databaseAttempt(url, shown, ca)).pipe(
          // A server takes its new certificate a moment after it was told.
          Effect.repeat({ until: isWanted, schedule: Schedule.spaced("200 millis"), times: 10 })
        ).pipe(Effect.flatMap(() => Effect.scoped(databaseAttempt(url, shown, ca))))

        assert.match(found, databaseOutcomes[kind][0], kind)
        assert.deepStrictEqual(Certificates.namesOf(events), databaseOutcomes[kind][1], kind)
      }
    }).pipe(Effect.provide(secured), quiet), 90_000)
})
