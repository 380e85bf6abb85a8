/**
 * Devices that are asked by SNMP, and what of them: a target of `snmp.json`, or the details of a check.
 *
 * Keys as the Go checker's file has them; `walk` of an OID and the keys of SNMPv3 are our own. Communities and passwords
 * are secrets: no message, log or answer shows them.
 */
import { Duration, Option, Result, Schema } from "effect"
import { GoDuration } from "../../config/GoDuration.ts"
import * as Details from "../../monitoring/checks/details/Details.ts"
import { parseHost } from "../../monitoring/checks/ProbeTarget.ts"

const oidPattern = /^1\.3\.6\.1(?:\.\d{1,10})+$/

const Oid = Schema.String.check(
  Schema.makeFilter((text: string) => {
    const isOid = oidPattern.test(text.replace(/^\./, "")) && text.split(".").every((part) => Number(part) < 2 ** 32)
    return isOid ? undefined : "expected an OID such as .1.3.6.1.2.1.1.3.0"
  })
)

const Name = Schema.String.check(Schema.isPattern(/^[A-Za-z0-9_.-]{1,128}$/))

const valueTypes = ["counter", "gauge", "boolean", "bytes", "string", "float"] as const

const AskedOid = Schema.Struct({
  oid: Oid,
  name: Name,
  type: Schema.optionalKey(Schema.Literals(valueTypes)),
  /** What a number is multiplied by. */
  scale: Schema.optionalKey(Schema.Finite),
  /** The difference to the value before instead of the value. */
  delta: Schema.optionalKey(Schema.Boolean),
  /** All that is below the OID, such as a column of a table; each is named by what follows the OID. */
  walk: Schema.optionalKey(Schema.Boolean)
})
export type AskedOid = typeof AskedOid.Type

const Host = Schema.String.check(
  Schema.makeFilter((text: string) => Result.isSuccess(parseHost("snmp", text)) ? undefined : "expected a host")
)

const passwordMin = 8

const Password = Schema.String.check(Schema.isMinLength(passwordMin))

export const authProtocols = ["md5", "sha", "sha224", "sha256", "sha384", "sha512"] as const
export const privProtocols = ["des", "aes", "aes256b", "aes256r"] as const

/** In lower case or upper. */
const protocol = <const Names extends ReadonlyArray<string>>(names: Names) =>
  Schema.Literals([...names, ...names.map((name) => name.toUpperCase())])

const shown = { shows: "whole" } as const

export const SnmpTarget = Schema.Struct({
  name: Details.optional(Name, "names the target in the message; the host unless told", shown),
  host: Details.required(Host, "a name or an address", shown),
  port: Details.optional(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 65_535 })), "161 unless told", shown),
  version: Details.optional(Schema.Literals(["v1", "v2c", "v3"]), "`v1`, `v2c` or `v3`; `v2c` unless told", shown),
  community: Details.optional(Schema.String, "of v1 and v2c; `public` unless told. A secret"),
  username: Details.optional(Schema.String.check(Schema.isMinLength(1)), "of v3"),
  auth_protocol: Details.optional(
    protocol(authProtocols),
    `of v3: ${authProtocols.join(", ")}; sha unless told`,
    shown
  ),
  auth_password: Details.optional(Password, "of v3: without it nothing is authenticated. A secret"),
  priv_protocol: Details.optional(
    protocol(privProtocols),
    `of v3: ${privProtocols.join(", ")}; aes unless told`,
    shown
  ),
  priv_password: Details.optional(Password, "of v3: without it nothing is encrypted. A secret"),
  context: Details.optional(Schema.String, "of v3", shown),
  timeout: Details.optional(GoDuration, "how long one answer is awaited; 2s unless told, 8s at most", shown),
  retries: Details.optional(
    Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 10 })),
    "requests after the first; 1 unless told",
    shown
  ),
  interval: Schema.optionalKey(GoDuration).annotateKey({ description: "of the Go checker; here the poller's counts" }),
  max_points: Schema.optionalKey(Schema.Int).annotateKey({ description: "of the Go checker; without effect" }),
  oids: Details.required(
    Schema.Array(AskedOid).check(Schema.isMinLength(1), Schema.isMaxLength(500)),
    "`[{\"oid\", \"name\", \"type\", \"scale\", \"delta\", \"walk\"}]`; " +
      `a type is one of ${valueTypes.join(", ")}, or what the device says unless told`,
    shown
  )
}).check(
  Schema.makeFilter((target) => {
    const names = target.oids.map(({ name }) => name)
    if (new Set(names).size < names.length) return "expected oids with a name of its own each"
    if (target.version === "v3" && target.username === undefined) return "expected a username for v3"
    return target.priv_password !== undefined && target.auth_password === undefined
      ? "expected auth_password beside priv_password"
      : undefined
  })
)
export type SnmpTarget = typeof SnmpTarget.Type

/** `snmp.json`: the file of the Go checker. */
export const SnmpFile = Schema.Struct({
  node_address: Schema.optionalKey(Schema.String),
  listen_addr: Schema.optionalKey(Schema.String),
  partition: Schema.optionalKey(Schema.String),
  timeout: Schema.optionalKey(GoDuration),
  targets: Schema.Array(SnmpTarget),
  security: Schema.optionalKey(Schema.Unknown),
  logger: Schema.optionalKey(Schema.Unknown),
  logging: Schema.optionalKey(Schema.Unknown),
  name: Schema.optionalKey(Schema.String),
  type: Schema.optionalKey(Schema.String)
})

export const nameOf = ({ host, name }: SnmpTarget): string => name ?? host

const timeoutDefault = Duration.seconds(2)
/** Below what a poller waits, with a retry. */
const timeoutMax = Duration.seconds(8)

export const timeoutOf = ({ timeout }: SnmpTarget): Duration.Duration =>
  timeout === undefined || Duration.isZero(timeout) ? timeoutDefault : Duration.min(timeout, timeoutMax)

/** As the library takes it. */
export const plainOid = (oid: string): string => oid.replace(/^\./, "")

/** The one that is named among the targets of a file. */
export const find = (targets: ReadonlyArray<SnmpTarget>, name: string): Option.Option<SnmpTarget> =>
  Option.fromUndefinedOr(targets.find((target) => nameOf(target) === name))
