/** Questions for the tests of the catalog: those that people ask, and generated ones of every entity and field. */
import type { Entity, Field, FilterClass } from "../../../src/domain/srql/catalog/Entity.ts"
import { rowEntities } from "./asking.ts"

/** As people and pages write them. */
export const worked: ReadonlyArray<string> = [
  "in:devices hostname:%core% limit:25",
  "in:device vendor_name:\"Acme Networks\" !is_available:true",
  "in:devices device_id:(sr:a,sr:b) sort:uid:asc",
  "in:devices ip:172.16.0.0/12 time:last_3d",
  "in:devices !ip:10.1.0.10-10.1.0.99",
  "in:devices discovery_sources:(snmp,mapper) !discovery_sources:(manual)",
  "in:devices tags:(prod,edge) tags.owner:netops",
  "in:devices !os.name:%windows%",
  "in:devices type_id:12 sort:name:asc",
  "in:devices is_available:false stats:count() as down",
  "in:devices gateway_id:gw-7 stats:\"count() as n by vendor\" limit:5",
  "in:devices stats:count() as n by risk sort:n:asc",
  "in:agents capabilities:(snmp,icmp) !version:1.0.% sort:name:asc,last_seen",
  "in:gateways !status:(inactive,degraded) is_healthy:yes",
  "in:updates uid:sr:x1 source:sweep time:today",
  "in:interfaces uid:sr:x1 latest:true oper_status:2 sort:if_index:asc limit:50",
  "in:interfaces mac:0A-1B-2C-%",
  "in:interfaces ip_address:192.0.2.1 speed:1000000000 favorited:true",
  "in:activity severity:(Critical,High) level:3 time:last_6h",
  "in:logs level:error body:\"disk full\" severity_number:(17,18)",
  "in:logs time:\"[2026-01-10T00:00:00Z,2026-01-11 12:00:00]\" sort:timestamp:asc",
  "in:logs service:api time:last_1h stats:\"count() as n, group_uniq_array(severity) as levels\"",
  "in:logs !service_name:(a,b) rollup_stats:severity time:last_12h",
  "in:services type:grpc available:0 timeFrame:\"2 Hours\"",
  "in:services available:true stats:\"count() as ok\"",
  "in:services service_type:http rollup_stats:availability",
  "in:metrics is_slow:true http_route:/api/% sort:duration_ms:desc",
  "in:otel_metrics time:last_2h stats:\"count() as hits by service\" limit:3",
  "in:traces service.name:checkout status_code:2 !kind:(1,4)",
  "in:traces rollup_stats:summary time:yesterday",
  "in:trace_summaries root_service_name:web sort:duration_ms limit:10",
  "in:trace_summaries time:last_1h root_service_name:web stats:\"count() as n, sum(if(status_code != 1,1,0)) as bad, sum(if(duration_ms > 250,1,0)) as slow\"",
  "in:snmp metric_name:ifHCInOctets if_index:(1,2) value:>=1000 time:last_30m",
  "in:rperf target_device_ip:198.51.100.9",
  "in:cpu usage_percent:>70 usage_percent:<=95 sort:usage_percent",
  "in:cpu_metrics host_id:h1 time:last_1h stats:\"avg(usage_percent) as load by device_id\" sort:device_id:asc limit:20",
  "in:processes name:%java% memory_usage:>1073741824 sort:memory_usage,name:asc",
  "in:disk mount_point:/var usage_percent:90",
  "in:memory_metrics uid:(d1,d2) time:last_24h bucket:15m agg:max value_field:used_bytes series:uid limit:500",
  "in:snmp_metrics if_index:3 time:last_6h bucket:5m agg:rate series:metric_name",
  "in:timeseries time:last_1h bucket:30s agg:count",
  "in:alerts id:0b0d7c9e-6a52-4a7e-9c55-2f7a3a5a9d10",
  "in:alerts status:() severity:critical sort:severity,timestamp",
  "in:flows src_ip:10.0.0.0/8 time:last_1h stats:\"sum(bytes_total) as bytes by dst_ip,protocol_name\" having:bytes>1000",
  "in:logs,traces service_name:api time:last_1h limit:10",
  "in:cpu,memory,disk host_id:h1 sort:timestamp:asc"
]

type Random = (bound: number) => number

const pick = <A>(random: Random, from: ReadonlyArray<A>): A | undefined => from[random(from.length)]

const words = ["a", "A", "ab", "a_b", "\"x y\"", "\"é\\\"'\"", "name", "sr:x:1", ""]
const patterns = ["%a%", "a%", "\"%x y%\"", "_b%", "\"50\\%%\""]
const numbers = ["0", "1", "-1", "2", "70", "2147483647"]
const uuid = "0b0d7c9e-6a52-4a7e-9c55-2f7a3a5a9d10"

const listOf = (random: Random, from: ReadonlyArray<string>): string =>
  `(${Array.from({ length: random(4) }, () => pick(random, from) ?? "").filter((item) => item !== "").join(",")})`

const scalar = (random: Random, from: ReadonlyArray<string>): string => pick(random, from) ?? ""

const texts = (random: Random): string =>
  random(3) === 0 ? listOf(random, words) : scalar(random, random(2) === 0 ? words : patterns)
const members = (random: Random): string => random(2) === 0 ? listOf(random, words) : scalar(random, words)
const compared = (random: Random): string => `${scalar(random, ["", ">", ">=", "<", "<="])}${scalar(random, numbers)}`

const valueOf: Readonly<Record<FilterClass, (random: Random) => string>> = {
  text: texts,
  textOnly: (random) => scalar(random, [...words, ...patterns]),
  equality: (random) => scalar(random, words),
  integer: (random) => scalar(random, numbers),
  integers: (random) => random(2) === 0 ? listOf(random, numbers) : scalar(random, numbers),
  number: compared,
  fixed: (random) => scalar(random, numbers),
  bool: (random) => scalar(random, ["true", "no", "1", "FALSE"]),
  uuid: () => uuid,
  json: (random) => scalar(random, [...words, ...patterns]),
  keys: members,
  containsAll: members,
  overlap: members,
  flag: (random) => scalar(random, ["true", "false"]),
  mac: (random) => scalar(random, ["0A-1B-2C-%", "0a1b2c000001", "0A:1B:2C:00:00:01"]),
  address: (random) =>
    scalar(random, ["10.0.0.1", "10.%", "10.0.0.7/8", "192.0.2.0-192.0.2.99", "2001:db8::/32", "::1-::ff", "a"])
}

const filterOf = (random: Random, fields: ReadonlyMap<string, Field>): string => {
  const [name = "", field] = pick(random, [...fields]) ?? []
  if (field === undefined) return ""
  const value = valueOf[field.class](random)
  return `${random(3) === 0 && !/^[<>]/.test(value) ? "!" : ""}${name}:${value}`
}

const ofDocument = (random: Random, entity: Entity): ReadonlyArray<string> => {
  const document = pick(random, [...entity.documents.keys()])
  return document === undefined || random(3) > 0
    ? []
    : [`${random(2) === 0 ? "!" : ""}${document}.${scalar(random, ["a", "name", "type"])}:${valueOf.json(random)}`]
}

const times = ["", "time:last_1h", "time:last_90d", "time:today", "time:[2026-03-04T12:00:00Z,2026-03-05T12:00:00Z]"]

const numeric = new Set<Field["type"]>(["int4", "int8", "float4", "float8", "numeric"])

const measured = (random: Random, entity: Entity): string => {
  const number = pick(random, entity.columns.filter(({ type }) => numeric.has(type)))?.name
  const text = pick(random, entity.columns.filter(({ type }) => type === "text"))?.name ?? ""
  const call = number === undefined
    ? undefined
    : scalar(random, ["sum", "avg", "min", "max", "p95"].map((name) => `${name}(${number}) as m`))
  const measures = ["count() as n", `count_distinct(${text}) as d`, `group_uniq_array(${text}) as l`, call]
    .filter((measure) => measure !== undefined && random(2) === 0)
  const by = [pick(random, [...entity.groups.keys()]), pick(random, [...entity.groups.keys()])]
    .filter((group) => group !== undefined && random(2) === 0)
  const list = measures.length === 0 ? "count() as n" : measures.join(", ")
  const having = list.includes("as n") && random(3) === 0 ? " having:n>=1" : ""
  return `stats:"${list}${by.length === 0 ? "" : ` by ${by.join(",")}`}"${having}`
}

const computed = (random: Random, entity: Entity): ReadonlyArray<string> => {
  switch (random(4)) {
    case 0:
      return [measured(random, entity)]
    case 1: {
      if (entity.metric === null) return []
      const { series, values } = entity.metric
      return [
        "time:[2026-03-04T00:00:00Z,2026-03-06T00:00:00Z]",
        `bucket:${scalar(random, ["30s", "5m", "1d"])}`,
        `agg:${scalar(random, ["avg", "min", "max", "sum", "count", "rate"])}`,
        `value_field:${scalar(random, values)}`,
        ...(random(2) === 0 ? [] : [`series:${scalar(random, series)}`])
      ]
    }
    default:
      return entity.latest === null ? [] : [`latest:${scalar(random, ["true", "false"])}`]
  }
}

/** What was counted beforehand is filtered by what it was counted by. */
const rolledUp = (random: Random, entity: Entity): ReadonlyArray<string> => {
  const [type = "", rollup] = pick(random, [...entity.rollups]) ?? []
  return rollup === undefined ? [] : [`rollup_stats:${type}`, filterOf(random, rollup.fields)]
}

const filtered = (random: Random, entity: Entity): ReadonlyArray<string> => {
  const sorts = [...entity.sorts.keys()]
  const order = Array.from(
    { length: random(3) },
    () => `${scalar(random, sorts)}${scalar(random, [":asc", ":desc", ""])}`
  )
  return [
    ...Array.from({ length: random(3) }, () => filterOf(random, entity.fields)),
    ...ofDocument(random, entity),
    ...computed(random, entity),
    ...(order.length === 0 ? [] : [`sort:${order.join(",")}`])
  ]
}

/** All that entities have in common is a time. */
const ofSeveral = (random: Random): string => {
  const names = Array.from({ length: 2 + random(2) }, () => pick(random, rowEntities)?.name ?? "")
  return [`in:${[...new Set(names)].join(",")}`, scalar(random, times), scalar(random, ["", "sort:time:asc"])]
    .filter((word) => word !== "").join(" ")
}

/** A question that somebody might ask, of any entity and of all that it has. */
export const question = (random: Random): string => {
  if (random(15) === 0) return ofSeveral(random)
  const entity = pick(random, rowEntities)
  if (entity === undefined) return ""
  return [
    `in:${scalar(random, entity.spellings)}`,
    random(2) === 0 ? "" : scalar(random, times),
    ...(entity.rollups.size > 0 && random(5) === 0 ? rolledUp(random, entity) : filtered(random, entity)),
    ...(random(2) === 0 ? [] : [`limit:${1 + random(100)}`])
  ].filter((word) => word !== "").join(" ")
}
