/**
 * The same API by hand: one statement for each request, over the same driver, with the same rows written and the same
 * documents answered, without anything that follows from a declaration.
 */
import type * as PgClient from "@effect/sql-pg/PgClient"
import { Effect, Schema } from "effect"
import type * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as crypto from "node:crypto"
import type { Mount } from "../../src/layers/http/Management.ts"
import { PgConnection } from "../../src/layers/postgres/connection/PgConnection.ts"

const columns =
  `uid, lifecycle, type_id::int, type as device_type, name, hostname, ip, mac, uid_alt, vendor_name, model, domain,
  zone, subnet_uid, vlan_uid, region, first_seen_time, last_seen_time, created_time, modified_time, risk_level_id::int, risk_level,
  risk_score::int, is_managed, is_compliant, is_trusted, is_available, poller_id, agent_id, discovery_sources, partition_id,
  group_id, coalesce(hostname, name, ip, uid) as display_name,
  case when is_available then 'green' when last_seen_time > now() - interval '1 hour' then 'yellow' else 'red' end
    as status_color, last_seen_time < now() - interval '24 hours' as is_stale, xmin::text as version`

const listed =
  `select ${columns} from serviceradar_control.devices where tenant_id = $1 and uid > $2 order by uid limit $3`
const filtered = `select ${columns} from serviceradar_control.devices where tenant_id = $1 and vendor_name = $2
  order by uid limit $3`
const found = `select ${columns} from serviceradar_control.devices where tenant_id = $1 and uid = $2`
const told = `audited as (insert into serviceradar_control.audit_entries (tenant_id, at, actor_id, actor_name, resource,
    action, record_key, outcome, reason, request_id, changes) values ($1, now(), $3, $4, 'device', $5, $2, 'done', '', $6, $7)),
  told as (insert into serviceradar_control.record_events (tenant_id, at, resource, action, record_key, record)
    values ($1, now(), 'device', $5, $2, $8))`
const created = `with written as (insert into serviceradar_control.devices (tenant_id, uid, hostname, ip, vendor_name,
    lifecycle, type_id, first_seen_time, last_seen_time, created_time, modified_time, is_managed, is_trusted, is_available,
    discovery_sources)
  values ($1, $2, $9, $10, $11, 'discovered', 0, now(), now(), now(), now(), false, false, true, '{}') returning ${columns}),
  ${told} select * from written`
const locked = `select ${columns} from serviceradar_control.devices where tenant_id = $1 and uid = $2 for update`
const updated = `with written as (update serviceradar_control.devices set name = $9, modified_time = now()
  where tenant_id = $1 and uid = $2 returning ${columns}), ${told} select * from written`
const signedIn = `select u.tenant_id, u.id, u.email, u.role, t.scope from serviceradar_control.api_tokens t
  join serviceradar_control.users u on u.tenant_id = t.tenant_id and u.id = t.user_id
  join serviceradar_control.tenants n on n.id = t.tenant_id
  where t.token_hash = $1 and t.enabled and t.revoked_at is null and (t.expires_at is null or t.expires_at > now())
    and n.status = 'active'`

const User = Schema.Struct({
  tenant_id: Schema.String,
  id: Schema.String,
  email: Schema.String,
  role: Schema.String,
  scope: Schema.String
})
type User = typeof User.Type
const decodeUser = Schema.decodeUnknownEffect(Schema.Tuple([User]))

const Body = Schema.fromJsonString(Schema.Struct({
  data: Schema.Struct({
    type: Schema.Literal("device"),
    id: Schema.optionalKey(Schema.String),
    attributes: Schema.Struct({
      hostname: Schema.optionalKey(Schema.String),
      name: Schema.optionalKey(Schema.String),
      ip: Schema.optionalKey(Schema.String),
      vendor_name: Schema.optionalKey(Schema.String)
    })
  })
}))
const decodeBody = Schema.decodeUnknownEffect(Body)

type Row = Readonly<Record<string, unknown>>

const base = "/hand"

const many = (collection: string, uid: string) => ({
  links: { related: `${base}/${collection}?filter[device_id]=${encodeURIComponent(uid)}` }
})

const objectOf = ({ uid, version, ...attributes }: Row) => ({
  type: "device",
  id: String(uid),
  attributes: { uid, ...attributes },
  relationships: {
    group: attributes["group_id"] === null
      ? { data: null }
      : { data: { type: "device-group", id: attributes["group_id"] } },
    interfaces: many("interfaces", String(uid)),
    identifiers: many("device-identifiers", String(uid)),
    aliases: many("device-alias-states", String(uid))
  },
  links: { self: `${base}/devices/${encodeURIComponent(String(uid))}` },
  meta: { version }
})

const document = (body: object, status = 200) =>
  HttpServerResponse.text(JSON.stringify(body), {
    status,
    contentType: "application/vnd.api+json",
    headers: { "cache-control": "no-store", "x-content-type-options": "nosniff", vary: "accept, authorization" }
  })

/** As the API does: what was shown within the last second is remembered. */
const remembered = new Map<string, { readonly user: User; readonly atMillis: number }>()

const userOf = Effect.fnUntraced(function*(sql: PgClient.PgClient, request: HttpServerRequest.HttpServerRequest) {
  const token = /^Bearer (\S+)$/.exec(request.headers["authorization"] ?? "")?.[1] ?? ""
  const hash = crypto.createHash("sha256").update(token).digest("hex")
  const known = remembered.get(hash)
  if (known !== undefined && Date.now() - known.atMillis < 1000) return known.user
  const [user] = yield* decodeUser(yield* sql.unsafe(signedIn, [hash]))
  remembered.set(hash, { user, atMillis: Date.now() })
  return user
})

const list = Effect.fnUntraced(function*(sql: PgClient.PgClient, user: User, url: URL) {
  const limit = Number(url.searchParams.get("limit") ?? 50)
  const vendor = url.searchParams.get("vendor")
  const rows: ReadonlyArray<Row> = yield* vendor === null
    ? sql.unsafe<Row>(listed, [user.tenant_id, url.searchParams.get("after") ?? "", limit + 1])
    : sql.unsafe<Row>(filtered, [user.tenant_id, vendor, limit + 1])
  const data = rows.slice(0, limit).map(objectOf)
  const next = rows.length > limit ? `${base}/devices?after=${data.at(-1)?.id}` : null
  return document({
    data,
    links: { self: `${url.pathname}${url.search}`, first: `${base}/devices`, next },
    meta: { page: { limit } },
    jsonapi: { version: "1.1" }
  })
})

const write = Effect.fnUntraced(function*(
  sql: PgClient.PgClient,
  user: User,
  request: HttpServerRequest.HttpServerRequest,
  key: string | undefined
) {
  const { data: { attributes, id = key ?? "" } } = yield* decodeBody(yield* request.text)
  const changes = Object.fromEntries(Object.entries(attributes).map(([name, value]) => [name, [null, value]]))
  const deed = (action: string) => [
    user.tenant_id,
    id,
    user.id,
    user.email,
    action,
    crypto.randomUUID(),
    JSON.stringify(changes),
    JSON.stringify({ uid: id, ...attributes })
  ]
  if (key === undefined) {
    const more = [attributes.hostname ?? null, attributes.ip ?? null, attributes.vendor_name ?? null]
    const [row]: ReadonlyArray<Row> = yield* sql.unsafe<Row>(created, [...deed("create"), ...more])
    return document({ data: objectOf(row ?? {}), jsonapi: { version: "1.1" } }, 201)
  }
  const [row] = yield* sql.withTransaction(
    Effect.andThen(
      sql.unsafe(locked, [user.tenant_id, key]),
      sql.unsafe<Row>(updated, [...deed("update"), attributes.name ?? null])
    )
  )
  return document({ data: objectOf(row ?? {}), jsonapi: { version: "1.1" } })
})

export const mount: Mount<PgConnection> = {
  path: base,
  handle: (request) =>
    Effect.gen(function*() {
      const sql = yield* PgConnection.use(({ client }) => client)
      const user = yield* userOf(sql, request)
      const url = new URL(request.url, "http://localhost")
      const [, , , key] = url.pathname.split("/").map(decodeURIComponent)
      if (request.method !== "GET") return yield* write(sql, user, request, key)
      if (key === undefined) return yield* list(sql, user, url)
      const [row]: ReadonlyArray<Row> = yield* sql.unsafe<Row>(found, [user.tenant_id, key])
      return row === undefined
        ? document({ errors: [{ status: "404" }] }, 404)
        : document({ data: objectOf(row), jsonapi: { version: "1.1" } })
    }).pipe(
      Effect.catch((error) => Effect.succeed(document({ errors: [{ status: "500", detail: error.message }] }, 500)))
    )
}
