import { assert, describe, it } from "@effect/vitest"
import { Option, Result } from "effect"
import * as fc from "fast-check"
import * as Cursor from "../../../src/domain/srql/language/Cursor.ts"
import { damaged, generator } from "../srql/language/queries.ts"
import { planned, planOf, rowEntities } from "./asking.ts"
import { judgePlan } from "./judge.ts"
import { question, worked } from "./questions.ts"

/** From `WHERE` on, and the binds but limit and offset. */
const tail = (text: string) => {
  const { binds, sql } = planned(text)
  const [, predicate = "", order = ""] = / FROM \w+(?: WHERE (.*?))?(?: ORDER BY (.*?))? LIMIT /.exec(sql) ?? []
  return [predicate, order, binds.slice(0, -2).map(({ v }) => v)]
}

const detail = (text: string) => Result.getOrThrow(Result.flip(planOf(text))).detail

const t0 = "2026-03-05T11:30:00Z"
const t1 = "2026-03-05T12:30:00Z"

describe("QueryEntities", () => {
  it("answers a whole statement with limit and offset as its last binds", () => {
    const { binds, sql } = planned("in:gateways limit:10", { limit: 5, cursor: { _tag: "Offset", offset: 20 } })

    assert.strictEqual(
      sql,
      "SELECT gateway_id, component_id, registration_source, status, spiffe_identity, first_registered, first_seen, " +
        "last_seen, metadata, created_by, is_healthy, agent_count, checker_count, updated_at, partition_id FROM gateways " +
        "ORDER BY last_seen DESC LIMIT $1 OFFSET $2"
    )
    assert.deepStrictEqual(binds, [{ t: "int", v: 5 }, { t: "int", v: 20 }])
  })

  it.each([
    ["in:devices hostname:%core%", "hostname ILIKE $1", "last_seen_time DESC, uid DESC", ["%core%"]],
    [
      "in:device vendor_name:\"Acme Networks\" !is_available:true",
      "vendor_name = $1 AND is_available != $2",
      "last_seen_time DESC, uid DESC",
      ["Acme Networks", true]
    ],
    ["in:devices device_id:(sr:a,sr:b) sort:uid:asc", "uid = ANY($1)", "uid ASC", [["sr:a", "sr:b"]]],
    [
      "in:devices discovery_sources:(snmp,mapper) !discovery_sources:(manual)",
      "coalesce(discovery_sources, ARRAY[]::text[]) @> $1::text[] AND NOT (coalesce(discovery_sources, ARRAY[]::text[]) @> $2::text[])",
      "last_seen_time DESC, uid DESC",
      [["snmp", "mapper"], ["manual"]]
    ],
    [
      "in:devices !os.name:%windows%",
      "(os->>'name' IS NULL OR os->>'name' NOT ILIKE $1)",
      "last_seen_time DESC, uid DESC",
      ["%windows%"]
    ],
    [
      "in:agents capabilities:(snmp,icmp) !version:1.0.% sort:name:asc,last_seen",
      "capabilities && $1::text[] AND version NOT ILIKE $2",
      "name ASC, last_seen_time DESC",
      [["snmp", "icmp"], "1.0.%"]
    ],
    [
      "in:gateways !status:(inactive,degraded) is_healthy:yes",
      "status != ALL($1) AND is_healthy = $2",
      "last_seen DESC",
      [
        ["inactive", "degraded"],
        true
      ]
    ],
    [
      "in:updates uid:sr:x1 source:sweep time:last_1h",
      "observed_at >= $1 AND observed_at <= $2 AND device_id = $3 AND discovery_source = $4",
      "observed_at DESC",
      [t0, t1, "sr:x1", "sweep"]
    ],
    ["in:activity severity:(Critical,High) level:3", "severity = ANY($1) AND level = $2", "event_timestamp DESC", [[
      "Critical",
      "High"
    ], 3]],
    [
      "in:logs level:error body:\"disk full\" severity_number:(17,18)",
      "severity_text = $1 AND body = $2 AND severity_number = ANY($3)",
      "timestamp DESC, severity_number DESC",
      ["error", "disk full", [17, 18]]
    ],
    [
      "in:services type:grpc available:0 timeFrame:\"1 Hours\"",
      "timestamp >= $1 AND timestamp <= $2 AND service_type = $3 AND available = $4",
      "timestamp DESC",
      [t0, t1, "grpc", false]
    ],
    [
      "in:metrics is_slow:true http_route:/api/% sort:duration_ms:desc",
      "is_slow = $1 AND http_route ILIKE $2",
      "duration_ms DESC",
      [true, "/api/%"]
    ],
    [
      "in:traces service.name:checkout status_code:2 !kind:(1,4)",
      "service_name = $1 AND status_code = $2 AND kind != ALL($3)",
      "timestamp DESC",
      ["checkout", 2, [1, 4]]
    ],
    [
      "in:snmp metric_name:ifHCInOctets if_index:(1,2) value:>=1000",
      "metric_type = 'snmp' AND metric_name = $1 AND if_index = ANY($2) AND value >= $3",
      "timestamp DESC",
      ["ifHCInOctets", [1, 2], 1000]
    ],
    [
      "in:cpu usage_percent:>70 usage_percent:<=95 sort:usage_percent",
      "usage_percent > $1 AND usage_percent <= $2",
      "usage_percent DESC",
      [70, 95]
    ],
    [
      "in:processes name:%java% memory_usage:>1073741824 sort:memory_usage,name:asc",
      "name ILIKE $1 AND memory_usage > $2",
      "memory_usage DESC, name ASC",
      ["%java%", 1073741824]
    ],
    [
      "in:alerts status:() severity:critical sort:severity,timestamp",
      "severity = $1",
      "severity DESC, triggered_at DESC",
      ["critical"]
    ]
  ])("plans %s", (text, predicate, order, binds) => {
    assert.deepStrictEqual(tail(text), [predicate, order, binds])
  })

  it("binds the tenant before all else", () => {
    const { binds, sql } = planned("in:logs level:error", { tenant: "acme" })
    assert.include(sql, " WHERE tenant_id = $1 AND severity_text = $2 ORDER")
    assert.deepStrictEqual(binds[0], { t: "text", v: "acme" })
  })

  it("counts, groups and computes", () => {
    assert.deepInclude(planned("in:devices is_available:false stats:count() as down"), {
      sql: "SELECT coalesce(COUNT(*), 0) AS count FROM ocsf_devices WHERE is_available = $1",
      shape: { kind: "count", alias: "down" }
    })
    const { binds, sql } = planned("in:devices stats:\"count() as n by vendor\" having:n>5 limit:5")
    assert.strictEqual(
      sql,
      "SELECT jsonb_build_object($1::text, COALESCE(vendor_name, 'Unknown'), $2::text, COUNT(*)) AS payload FROM " +
        "ocsf_devices GROUP BY COALESCE(vendor_name, 'Unknown') HAVING COUNT(*) > $3::text::numeric ORDER BY COUNT(*) DESC " +
        "LIMIT $4 OFFSET $5"
    )
    assert.deepStrictEqual(binds.map(({ v }) => v), ["vendor_name", "n", "5", 5, 0])
    assert.include(
      planned("in:cpu time:last_1h stats:\"p95(usage_percent) as p, count_distinct(host_id) as hosts by device_id\"")
        .sql,
      "PERCENTILE_CONT($3::double precision) WITHIN GROUP (ORDER BY usage_percent)"
    )
  })

  it("sorts by a device under each name that it has elsewhere", () => {
    for (const [entity, column] of [["devices", "uid"], ["cpu", "device_id"], ["interfaces", "device_id"]]) {
      const orders = ["uid", "device_id"].map((name) => planned(`in:${entity} sort:${name}:asc`))
      assert.deepStrictEqual(orders.map(({ warnings }) => warnings), [[], []])
      for (const { sql } of orders) assert.match(sql, new RegExp(`ORDER BY ${column} ASC`))
    }
  })

  it("skips sort fields that it does not know, and says so", () => {
    const { sql, warnings } = planned("in:devices sort:last_sene")
    assert.include(sql, "ORDER BY last_seen_time DESC, uid DESC")
    assert.deepStrictEqual(warnings, ["devices cannot be sorted by 'last_sene'; did you mean last_seen?"])
  })

  it.each([
    ["in:devices hostname:(a,b)", "hostname filter does not support lists"],
    ["in:logs bucket:5m", "downsample is only supported for metric entities"],
    ["in:cpu bucket:5m", "downsample queries require time:<range>"],
    ["in:devices partition:p1", "unsupported filter field 'partition'"],
    ["in:gateways device_id:x", "unsupported filter field for gateways: 'device_id'"],
    ["in:disk usage_percent:>90", "usage_percent filter only supports equality"],
    ["in:logs body:>5", "unsupported operator for text filter: Gt"],
    ["in:devices is_available:maybe", "invalid boolean value 'maybe'"],
    ["in:devices ip:10.0.0.0/33", "invalid CIDR for ip filter"],
    ["in:devices ip:10.0.0.9-x", "invalid ip range for ip filter"],
    ["in:interfaces mac:zz", "mac filter expects hex digits"],
    ["in:devices type_id:2147483648", "invalid integer value '2147483648'"],
    ["in:devices metadata.a.b:x", "invalid metadata key"],
    ["in:devices stats:\"count() as n;\"", "stats alias must be alphanumeric"],
    ["in:cpu stats:\"count() as device_id by device_id\"", "stats alias 'device_id' is what it is grouped by"],
    [
      "in:cpu stats:\"count() as n, count(host_id) as host_id by host_id\"",
      "stats alias 'host_id' is what it is grouped by"
    ],
    ["in:devices stats:count() as n by hostname", "unsupported stats group field 'hostname'"],
    ["in:logs rollup_stats:x", "unsupported rollup_stats type for logs: 'x' (supported: severity)"]
  ])("refuses %s", (text, expected) => {
    assert.strictEqual(detail(text), expected)
  })

  it("suggests the field that was probably meant", () => {
    const error = Result.getOrThrow(Result.flip(planOf("in:devices hostnmae:x")))
    assert.deepStrictEqual(error.suggestion, Option.some("hostname"))
    assert.strictEqual(error.start, 11)
  })

  it("suggests the key that was probably meant, of all that a query can hold", () => {
    const suggested = (text: string) => Result.getOrThrow(Result.flip(planOf(text))).suggestion
    for (
      const [text, word] of [
        ["in:devices limt:5", "limit"],
        ["in:logs sotr:timestamp", "sort"],
        ["in:interfaces latst:true", "latest"],
        ["in:cpu time:last_1h bucket:5m seris:host_id", "series"],
        ["in:cpu time:last_1h bucket:5m series:hostid", "host_id"],
        ["in:devices stats:\"count() as n by vendr\"", "vendor"],
        ["in:devices stats:\"cuont() as n\"", "count"],
        ["in:devices stats:\"count() as n by vendor\" having:m>1", "n"],
        ["in:logs rollup_stats:severty", "severity"],
        ["in:devices time:last_7", "last_7d"]
      ] as const
    ) {
      assert.deepStrictEqual(suggested(text), Option.some(word), text)
    }
  })

  it("refuses what no database could answer, where it stands", () => {
    for (
      const [text, detail, start] of [
        ["in:logs body:a\u0000b", "queries must be text", 14],
        ["in:logs body:\ud800", "queries must be text", 13],
        ["in:logs body:%a\\", "invalid pattern '%a\\'", 13],
        ["in:processes cpu_usage:>1e39", "invalid number value '1e39'", 23],
        ["in:logs stats:\"group_uniq_array(body) as l by level\" having:l>1", "having alias 'l' is no number", 60]
      ] as const
    ) {
      const error = Result.getOrThrow(Result.flip(planOf(text)))
      assert.deepStrictEqual([error.detail, error.start], [detail, start], text)
    }
  })

  it("plans whatever somebody might ask, with as many binds as placeholders", () => {
    const random = generator(3)
    for (let count = 0; count < 3000; count++) {
      const text = question(random)
      assert.isTrue(judgePlan(text).isPlanned, text)
    }
  })

  it("answers damaged questions with a plan, or with a place in them", () => {
    const random = generator(5)
    for (let count = 0; count < 3000; count++) judgePlan(damaged(random, worked))
  })

  it("puts no value into a statement: other values, the same text, and as many binds as placeholders", () => {
    const value = fc.string({ minLength: 1, maxLength: 20 }).map((text) => text.replaceAll(/[%<>]/g, "x"))
    const quoted = (text: string) => `"${text.replaceAll(/["\\]/g, "\\$&")}"`
    fc.assert(
      fc.property(
        fc.constantFrom(...rowEntities),
        value,
        value,
        fc.nat(1000),
        (entity, one, other, limit) => {
          for (const field of new Set(entity.fields.values())) {
            const ask = (text: string) => planOf(`in:${entity.name} ${field.name}:${quoted(text)} limit:${limit + 1}`)
            const [first, second] = [ask(one), ask(other)]
            if (Result.isFailure(first) || Result.isFailure(second)) continue
            const highest = Math.max(...[...first.success.sql.matchAll(/\$(\d+)/g)].map(([, number]) => Number(number)))
            assert.strictEqual(first.success.binds.length, highest)
            if (field.class === "address") continue
            assert.strictEqual(first.success.sql, second.success.sql)
          }
        }
      ),
      { numRuns: 300 }
    )
  })

  it("has a document for a device alone, which is asked for by its id", () => {
    const { binds, shape, sql, warnings } = planned("in:graph device_id:sr:x1 include_topology:false limit:5", {
      tenant: "t"
    })

    assert.deepStrictEqual(shape, { kind: "payload" })
    assert.deepStrictEqual(binds.map(({ v }) => v), ["t", "sr:x1"])
    assert.include(sql, "'interfaces', '[]'::jsonb")
    assert.include(sql, "WHERE tenant_id = $1 AND uid = $2")
    assert.lengthOf(warnings, 1)
    assert.include(planned("in:device_graph uid:sr:x1 collector_owned:").sql, "'interfaces', interfaces")
    const refusals: ReadonlyArray<readonly [string, string]> = [
      ["in:device_graph", "device_graph queries require uid"],
      ["in:device_graph uid:", "device_graph queries require uid"],
      ["in:device_graph !uid:a", "uid filter only supports equality"],
      ["in:device_graph uid:a hostname:b", "unsupported filter field 'hostname' for device_graph"],
      ["in:device_graph uid:a include_topology:maybe", "invalid boolean value 'maybe'"],
      ["in:device_graph uid:a bucket:5m time:last_1h", "downsample is only supported for metric entities"]
    ]
    for (const [text, detail] of refusals) {
      assert.strictEqual(Result.getOrThrow(Result.flip(planOf(text))).detail, detail, text)
    }
    assert.isTrue(Result.isFailure(planOf("in:device_graph uid:a", { since: "2026-03-05T12:00:00Z" })))
  })

  it("says which sort fields an answer to stats does not know", () => {
    const { sql, warnings } = planned("in:logs stats:\"count() as n by service_name\" sort:bogus,service_name:asc")
    assert.deepStrictEqual(warnings, ["stats of logs cannot be sorted by 'bogus'"])
    assert.include(sql, " ORDER BY service_name ASC LIMIT")
  })

  it("continues after a row in a total order, and refuses a cursor of another", () => {
    const cursor = {
      _tag: "Keyset",
      order: "last_seen desc, gateway_id asc, _row asc",
      after: [null, "g1", "0"]
    } as const
    const { binds, order, sql } = planned("in:gateways", { cursor })

    assert.strictEqual(order, cursor.order)
    assert.include(sql, "WHERE ((last_seen IS NOT NULL) OR (last_seen IS NULL AND (gateway_id > $1::text::text")
    assert.strictEqual(binds.length, 5)
    assert.strictEqual(
      Result.getOrThrow(Result.flip(planOf("in:gateways sort:status", { cursor }))).detail,
      "invalid cursor payload"
    )
    assert.deepStrictEqual(Result.getOrThrow(Cursor.decode(Cursor.encode(cursor))), cursor)
  })
})
