/** What the people of a tenant are answered in SRQL, by their tokens: rows of their own tenant, of every kind of table. */
import { assert, layer } from "@effect/vitest"
import { Duration, Effect, Layer, Redacted, Schema } from "effect"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as SqlClient from "effect/sql/SqlClient"
import * as AuthConfig from "../../../src/domain/core/AuthConfig.ts"
import { coreCatalog } from "../../../src/domain/core/CoreCatalog.ts"
import { exposed } from "../../../src/domain/core/PublicResources.ts"
import { EdgePackage } from "../../../src/domain/edge/EdgePackage.ts"
import { ApiToken } from "../../../src/domain/identity/ApiToken.ts"
import { Session } from "../../../src/domain/identity/Session.ts"
import { SignInLink } from "../../../src/domain/identity/SignInLink.ts"
import { defaultTenantId, Tenant } from "../../../src/domain/identity/Tenant.ts"
import { User } from "../../../src/domain/identity/User.ts"
import { Device } from "../../../src/domain/inventory/devices/Device.ts"
import { DeviceAliasState } from "../../../src/domain/inventory/devices/DeviceAliasState.ts"
import { DeviceGroup } from "../../../src/domain/inventory/devices/DeviceGroup.ts"
import { DeviceIdentifier } from "../../../src/domain/inventory/devices/DeviceIdentifier.ts"
import { Interface } from "../../../src/domain/inventory/devices/Interface.ts"
import { MergeAudit } from "../../../src/domain/inventory/devices/MergeAudit.ts"
import { rowRules } from "../../../src/domain/queries/RowRules.ts"
import { superSystem } from "../../../src/domain/records/Actor.ts"
import { application } from "../../../src/domain/records/Schema.ts"
import * as Columns from "../../../src/domain/resource/Columns.ts"
import type { Definition } from "../../../src/domain/resource/Resource.ts"
import * as EventMigrations from "../../../src/layers/events/store/migrations/migrations.ts"
import * as ManagementAccess from "../../../src/layers/http/ManagementAccess.ts"
import { AccessTokens } from "../../../src/layers/identity/AccessTokens.ts"
import * as ApiTokens from "../../../src/layers/identity/ApiTokens.ts"
import * as Secrets from "../../../src/layers/identity/Secrets.ts"
import * as Sessions from "../../../src/layers/identity/Sessions.ts"
import * as SignedIn from "../../../src/layers/identity/SignedIn.ts"
import * as UsersOfQueries from "../../../src/layers/identity/UsersOfQueries.ts"
import { PgConnection } from "../../../src/layers/postgres/connection/PgConnection.ts"
import * as Rows from "../../../src/layers/postgres/connection/Rows.ts"
import * as RowSecurity from "../../../src/layers/postgres/connection/RowSecurity.ts"
import * as MigrationRunner from "../../../src/layers/postgres/migrations/MigrationRunner.ts"
import * as PgQueries from "../../../src/layers/queries/PgQueries.ts"
import { queryRoute } from "../../../src/layers/queries/QueryRoute.ts"
import * as PgRecords from "../../../src/layers/records/PgRecords.ts"
import { migrations } from "../../../src/programs/core/ControlPlane.ts"
import * as SignInParts from "../../../src/programs/core/SignInParts.ts"
import * as Directory from "../../../src/services/identity/Directory.ts"
import { Records } from "../../../src/services/records/Records.ts"
import * as TestConnection from "../../support/TestConnection.ts"

const programs = UsersOfQueries.layer.pipe(
  Layer.provideMerge(
    SignedIn.layer({ isSecure: false }).pipe(Layer.provide(AccessTokens.layer(AuthConfig.fromBlock().tokens)))
  ),
  Layer.provideMerge(PgRecords.layer),
  Layer.provideMerge(PgQueries.layer({ catalog: coreCatalog, rules: rowRules })),
  Layer.provideMerge(TestConnection.layerOf({ migrations, application }))
)

const other = "7d9a1c1e-3b43-4c9b-8f0e-0c52a3b5d111"

const write = (
  { definition }: { readonly definition: Definition },
  action: string,
  tenantId: string,
  values: Readonly<Record<string, unknown>>,
  key?: string
) =>
  Records.use((records) =>
    records.write({
      definition,
      action,
      asker: Directory.asking({ ...superSystem, tenantId }, "setup"),
      input: { values, form: "json" },
      ...(key === undefined ? {} : { key })
    })
  ).pipe(Effect.flatMap((stored) => Effect.fromNullishOr(stored)))

const tokenOf = Effect.fnUntraced(function*(tenantId: string, word: string, role = "viewer") {
  const user = yield* write(User, "create", tenantId, { email: `${word}@example.org`, role })
  return Redacted.value(yield* ApiTokens.issue({ user, name: word, scope: "read" }, "setup"))
})

/** A device and a log of each tenant, and a status, which is the first tenant's. */
const stored = Effect.gen(function*() {
  const sql = yield* PgConnection.use(({ client }) => client)
  yield* sql`create schema platform`
  yield* Effect.provideService(
    MigrationRunner.migrate(EventMigrations.migrations("platform")),
    SqlClient.SqlClient,
    sql
  )
  yield* write(Tenant, "create", defaultTenantId, { id: other, name: "Other", slug: "other" })
  for (const [tenantId, hostname] of [[defaultTenantId, "first"], [other, "other"]] as const) {
    const deviceId = `${hostname}:1`
    yield* write(Device, "discover", tenantId, { uid: deviceId, hostname, agentId: "agent", pollerId: "poller" })
    yield* write(Interface, "record", tenantId, {
      deviceId,
      ifIndex: 1,
      ifName: `eth of ${hostname}`,
      ipAddresses: ["10.0.0.1"]
    })
  }
  for (const tenant of ["default", "other"]) {
    yield* sql`insert into platform.logs (tenant_id, timestamp, id, body) values (${tenant}, now(), gen_random_uuid(),
      ${`a log of ${tenant}`})`
  }
  yield* sql`insert into service_status_history values (now(), 'poller', 'agent', 'port', 'ssh', '\\x00', 'default', true,
    1, '', '', '', now())`
  yield* sql`insert into service_state values ('default', 'agent', 'port', 'ssh', 'poller', '', true, 1, '', '', '', now(),
    now(), now())`
  yield* sql`insert into reporting_pollers values ('poller', 'default', '', now(), now())`
})

const Answer = Schema.fromJsonString(Schema.Struct({
  results: Schema.optionalKey(Schema.Array(Schema.Unknown)),
  error: Schema.NullOr(Schema.String)
}))
const decode = Schema.decodeUnknownSync(Answer)

const ask = Effect.fnUntraced(function*(query: string, headers: Readonly<Record<string, string>>, more = "") {
  const url = `http://localhost/api/query?query=${encodeURIComponent(query)}${more}`
  const response = yield* queryRoute.handle(new URL(url).searchParams).pipe(
    Effect.provideService(
      HttpServerRequest.HttpServerRequest,
      HttpServerRequest.fromWeb(new Request(url, { headers }))
    )
  )
  const text = yield* Effect.promise(() => HttpServerResponse.toWeb(response).text())
  return { status: response.status, text, ...(more.includes("ndjson") ? { error: null } : decode(text)) }
})

const asked = (query: string, token: string) => ask(query, { authorization: `Bearer ${token}` })

const values = (rows: ReadonlyArray<unknown> | undefined, key: string) =>
  (rows ?? []).map((row) => typeof row === "object" && row !== null ? Reflect.get(row, key) : row).sort()

const Graph = Schema.Struct({
  device: Schema.Struct({ id: Schema.String, hostname: Schema.String, agent_id: Schema.String }),
  collectors: Schema.Array(Schema.Struct({ id: Schema.String, type: Schema.String })),
  services: Schema.Array(Schema.Struct({ service: Schema.String, collector_id: Schema.String })),
  interfaces: Schema.Array(Schema.Struct({ if_index: Schema.Int, name: Schema.String, ip_addresses: Schema.Unknown })),
  targets: Schema.Array(Schema.Unknown),
  peer_interfaces: Schema.Array(Schema.Unknown)
})
const decodeGraphs = Schema.decodeUnknownSync(Schema.Array(Graph))

/** What pollers report is the first tenant's, as is what is known of collectors by it. */
const graphOf = (name: string): typeof Graph.Type => ({
  device: { id: `${name}:1`, hostname: name, agent_id: "agent" },
  collectors: [{ id: "agent", type: "agent" }, { id: "poller", type: "gateway" }],
  services: name === "first" ? [{ service: "ssh", collector_id: "agent" }] : [],
  interfaces: [{ if_index: 1, name: `eth of ${name}`, ip_addresses: ["10.0.0.1"] }],
  targets: [],
  peer_interfaces: []
})

const Count = Schema.Struct({ count: Schema.Int })

const Granted = Schema.Struct({ name: Schema.String, may: Schema.Boolean })
const Key = Schema.Struct({ key: Schema.String })

/** One of each resource that nothing else makes, of each tenant. */
const others = Effect.gen(function*() {
  for (const [tenantId, name] of [[defaultTenantId, "first"], [other, "other"]] as const) {
    const deviceId = `${name}:1`
    yield* write(DeviceGroup, "create", tenantId, { name: `group of ${name}` })
    yield* write(DeviceIdentifier, "register", tenantId, {
      deviceId,
      identifierType: "mac",
      identifierValue: "0A0B0C0D0E0F",
      source: "test"
    })
    yield* write(DeviceAliasState, "detect", tenantId, { deviceId, aliasType: "ip", aliasValue: "10.0.0.9" })
    yield* write(MergeAudit, "record", tenantId, { fromDeviceId: `${deviceId}0`, toDeviceId: deviceId })
    const [user] = yield* Records.use((records) =>
      records.list({
        definition: User.definition,
        action: "read",
        asker: Directory.asking({ ...superSystem, tenantId }, "setup"),
        order: [],
        limit: 1
      })
    ).pipe(Effect.map(({ records }) => records))
    const expiresAt = "2090-01-01T00:00:00Z"
    const secret = { userId: user?.values["id"], expiresAt }
    yield* write(Session, "begin", tenantId, { ...secret, tokenHash: `session of ${name}`, address: "10.1.1.1" })
    yield* write(SignInLink, "make", tenantId, { ...secret, tokenHash: `link of ${name}`, origin: "mail" })
    yield* write(EdgePackage, "issue", tenantId, {
      label: `package of ${name}`,
      componentId: "edge-1",
      componentType: "poller",
      pollerId: "edge-1",
      metadataJson: "{}",
      tokenHash: `package of ${name}`,
      tokenExpiresAt: expiresAt
    })
  }
})

layer(programs, { excludeTestServices: true, timeout: "60 seconds" })("Questions with a token", (it) => {
  it.effect(
    "are answered with the rows of its user's tenant, of devices, of events and of what pollers report",
    () =>
      Effect.gen(function*() {
        yield* stored
        const tokens = { first: yield* tokenOf(defaultTenantId, "first"), other: yield* tokenOf(other, "other") }
        for (const [name, token] of Object.entries(tokens)) {
          const devices = yield* asked("in:devices", token)
          assert.deepStrictEqual(values(devices.results, "uid"), [`${name}:1`], devices.text)
          const logs = yield* asked("in:logs", token)
          const tenant = name === "first" ? "default" : "other"
          assert.deepStrictEqual(values(logs.results, "body"), [`a log of ${tenant}`], logs.text)
          const counted = (entity: string) => asked(`in:${entity} stats:"count() as n"`, token)
          assert.deepStrictEqual((yield* counted("devices")).results, [1])
          assert.deepStrictEqual((yield* counted("logs")).results, [{ n: 1 }])
          const both = yield* asked("in:devices,logs sort:time", token)
          assert.deepStrictEqual(values(both.results, "entity"), ["devices", "logs"], both.text)
          for (const entity of ["services", "gateways", "agents"]) {
            const answer = yield* asked(`in:${entity}`, token)
            assert.lengthOf(answer.results ?? [], name === "first" ? 1 : 0, answer.text)
          }
          const graph = yield* asked(`in:device_graph uid:${name}:1`, token)
          assert.deepStrictEqual(decodeGraphs(graph.results), [graphOf(name)], graph.text)
          const strangers = yield* asked(`in:device_graph uid:${name === "first" ? "other" : "first"}:1`, token)
          assert.deepStrictEqual(strangers.results, [], strangers.text)
          const interfaces = yield* asked("in:interfaces", token)
          assert.deepStrictEqual(values(interfaces.results, "if_name"), [`eth of ${name}`], interfaces.text)
          const streamed = yield* ask("in:devices", { "x-api-key": token }, "&format=ndjson")
          assert.lengthOf(streamed.text.trim().split("\n"), 1)
          assert.include(streamed.text, `"${name}:1"`)
        }

        // Whoever shows none and was let in sees all.
        assert.deepStrictEqual(values((yield* ask("in:devices", {})).results, "uid"), ["first:1", "other:1"])
        assert.lengthOf((yield* ask("in:logs", {})).results ?? [], 2)
      }),
    60_000
  )

  it.effect("are answered so on the loopback too to whoever has signed in, and to nobody with a token that is none", () =>
    Effect.gen(function*() {
      const user = yield* write(User, "create", other, { email: "browser@example.org", role: "viewer" })
      const secret = Secrets.random()
      const life = Duration.days(1)
      yield* Sessions.begin({ user, secret, kind: "browser", life, address: "127.0.0.1", requestId: "test" })
      const cookie = `serviceradar_session=${secret}`
      const own = yield* ask("in:logs", { cookie })
      assert.deepStrictEqual(values(own.results, "body"), ["a log of other"], own.text)
      const ended = yield* ask("in:logs", { cookie: `serviceradar_session=${Secrets.random()}` })
      assert.lengthOf(ended.results ?? [], 2)
      const forged = yield* ask("in:logs", { authorization: "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.c2ln" })
      assert.strictEqual(forged.status, 401)
    }))

  it.effect("lead beyond the loopback to what is theirs, and those of the first tenant to everything", () =>
    Effect.gen(function*() {
      const admitted = (headers: Readonly<Record<string, string>>) =>
        SignInParts.door.admits(HttpServerRequest.fromWeb(new Request("http://localhost/api/query", { headers })))
      const first = yield* tokenOf(defaultTenantId, "first-door")
      const others = yield* tokenOf(other, "other-door")

      assert.strictEqual(yield* admitted({ authorization: `Bearer ${first}` }), "everything")
      assert.strictEqual(yield* admitted({ authorization: `Bearer ${others}` }), "own")
      assert.strictEqual(yield* admitted({}), "nothing")
      assert.isTrue(queryRoute.isPersonal)
    }))

  it.effect("are not answered when it is none, or is revoked", () =>
    Effect.gen(function*() {
      const token = yield* tokenOf(defaultTenantId, "leaving")
      assert.strictEqual((yield* asked("in:devices", token)).status, 200)
      const sql = yield* PgConnection.use(({ client }) => client)
      const [found] = yield* Rows.query(
        Schema.Struct({ id: Schema.String }),
        sql`select id::text as id from serviceradar_control.api_tokens where name = 'leaving'`
      )
      yield* write(ApiToken, "revoke", defaultTenantId, {}, found?.id)
      for (const shown of [token, `srk_${"a".repeat(43)}`, "srk_short"]) {
        const { error, status } = yield* asked("in:devices", shown)
        assert.strictEqual(status, 401, shown)
        assert.include(error, "API token")
      }
      // Nor does who signed in become an operator when the session ends meanwhile.
      const late = yield* Effect.provideService(ask("in:devices", {}), ManagementAccess.AdmittedBy, "door")
      assert.strictEqual(late.status, 401)
    }))

  it.effect("cannot leave the cost limit", () =>
    Effect.gen(function*() {
      const token = yield* tokenOf(defaultTenantId, "lavish")
      const { status } = yield* ask("in:devices", { authorization: `Bearer ${token}` }, "&costly=true")
      assert.strictEqual(status, 403)
      assert.strictEqual((yield* ask("in:devices", {}, "&costly=true")).status, 200)
    }))

  it.effect("see no other tenant's rows either where nothing but the database keeps them apart", () =>
    Effect.gen(function*() {
      const sql = yield* PgConnection.use(({ client }) => client)
      const counted = (tenant: string, relation: string) =>
        sql.withTransaction(Effect.gen(function*() {
          yield* sql.unsafe(`select set_config('${RowSecurity.setting}', $1, true), ${RowSecurity.takeRole}`, [tenant])
          const [row] = yield* Rows.query(Count, sql.unsafe(`select count(*)::int as count from ${relation}`))
          return row?.count
        }))
      const views = ["ocsf_devices", "service_status", "gateways", "ocsf_agents"]
      for (const view of views) {
        const relation = `serviceradar_queries.${view}`
        assert.strictEqual(yield* counted("default", relation), 1, relation)
        assert.strictEqual(yield* counted("other", relation), view === "ocsf_devices" ? 1 : 0, relation)
        // Neither a name that nobody has, nor the words by which core's own code sees all.
        for (const tenant of ["", "*", "nobody", other]) {
          assert.strictEqual(yield* counted(tenant, relation), 0, `${relation} ${tenant}`)
        }
      }
    }))

  it.effect(
    "ask for every public resource by its declaration, for what the API would answer and nothing that is secret",
    () =>
      Effect.gen(function*() {
        yield* others
        const sql = yield* PgConnection.use(({ client }) => client)
        const tokens = [
          [defaultTenantId, yield* tokenOf(defaultTenantId, "first-admin", "admin")],
          [other, yield* tokenOf(other, "other-admin", "admin")]
        ] as const
        const viewer = yield* tokenOf(other, "other-viewer")
        for (const { definition } of exposed) {
          const entity = coreCatalog.resolve(definition.name.replaceAll("-", "_"))
          assert.isDefined(entity, definition.name)
          const key = Columns.columnNameOf(definition.attributes, definition.key)
          const table = `serviceradar_control.${definition.table}`
          const tenant = Columns.columnNameOf(definition.attributes, definition.tenant ?? definition.key)
          for (const [tenantId, token] of tokens) {
            const answer = yield* asked(`in:${entity} limit:1000`, token)
            const own = yield* Rows.query(
              Key,
              sql.unsafe(`select ${key}::text as key from ${table} where ${tenant} = $1::text::uuid`, [tenantId])
            )
            // Interfaces and devices are told under names of their own.
            const given = values(answer.results, definition.name === "interface" ? "device_id" : key).map(String)
            assert.isNotEmpty(own, definition.name)
            assert.strictEqual(given.length, own.length, answer.text)
            if (definition.name !== "interface") assert.deepStrictEqual(given, own.map((one) => one.key).sort())
            for (const secret of ["session of", "link of", "argon2", tenantId === other ? "first:1" : "other:1"]) {
              assert.notInclude(answer.text, secret, definition.name)
            }
          }
          // Whoever is let in from the loopback sees those of all.
          const whole = yield* Rows.query(Count, sql.unsafe(`select count(*)::int as count from ${table}`))
          assert.lengthOf((yield* ask(`in:${entity} limit:1000`, {})).results ?? [], whole[0]?.count ?? 0)
        }
        const audit = yield* asked("in:audit_entries", viewer)
        assert.strictEqual(audit.status, 400, audit.text)
        assert.include(audit.text, "audit_entries cannot be asked for by whoever asks")
        const [hidden] = (yield* asked("in:users limit:1", viewer)).results ?? []
        assert.deepInclude(hidden, { hashed_password: { hidden: true } })
        assert.strictEqual((yield* asked("in:users locked_until:2026", viewer)).status, 400)
      }),
    60_000
  )

  it.effect("may read in the database what is public of resources, and no secret", () =>
    Effect.gen(function*() {
      const sql = yield* PgConnection.use(({ client }) => client)
      for (const { definition: { attributes, table } } of exposed) {
        const granted = yield* Rows.query(
          Granted,
          sql`select column_name::text as name, has_column_privilege(${RowSecurity.role}::text,
            ${`serviceradar_control.${table}`}::text, column_name::text, 'select') as may
            from information_schema.columns where table_schema = 'serviceradar_control' and table_name = ${table}`
        )
        const may = new Map(granted.map((one) => [one.name, one.may]))
        for (const [attribute, { traits }] of Object.entries(attributes)) {
          if (traits.isPrivate && !traits.isSensitive) continue
          const column = Columns.columnNameOf(attributes, attribute)
          assert.strictEqual(may.get(column), !traits.isSensitive, `${table}.${column}`)
        }
      }
    }))
})
