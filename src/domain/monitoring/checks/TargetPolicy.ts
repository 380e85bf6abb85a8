/**
 * Which targets an agent probes at all: a check is a request on behalf of whoever writes the configuration, and must not
 * reach what only this machine may.
 *
 * What is denied is denied, also when it is on the allow list; without an allow list everything else is allowed. Link-local
 * addresses and those under which clouds hand out credentials are denied unless `deny_defaults` is false. Names are judged
 * as they are written, and their addresses as they were resolved; an IPv4 address inside an IPv6 one counts as both, and
 * `0.0.0.0` and `::`, to which a connection reaches this host, count as the loopback too.
 */
import { Option, Result, Schema } from "effect"
import * as IpAddress from "../IpAddress.ts"

/** The target may not be probed by this agent. */
export class TargetDenied extends Schema.TaggedError<TargetDenied>()("TargetDenied", {
  /** As configured. */
  target: Schema.String,
  /** The address that was denied; empty when the name was. */
  address: Schema.String,
  rule: Schema.String
}) {
  get reason(): string {
    const what = this.address === "" || this.address === this.target ? this.target : `${this.target} (${this.address})`
    return `${what} must not be probed from here: ${this.rule}`
  }
  override get message(): string {
    return this.reason
  }
}

interface Network {
  readonly kind: "network"
  readonly text: string
  readonly bytes: ReadonlyArray<number>
  readonly bits: number
}

interface HostPattern {
  readonly kind: "host"
  readonly text: string
  /** Lower case; after `*.` what the name must end with. */
  readonly name: string
  readonly isSuffix: boolean
}

export type Rule = Network | HostPattern

const hostPattern = /^(\*\.)?([a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)*)$/

/** Only digits and dots: a mistyped address, no name. */
const numeric = /^[\d.]+$/

export const parseRule = (text: string): Option.Option<Rule> => {
  const lower = text.trim().toLowerCase()
  const [address = "", prefix, ...more] = lower.split("/")
  const bytes = Option.getOrUndefined(IpAddress.toBytes(address.replace(/^\[(.*)\]$/, "$1")))
  if (bytes !== undefined) {
    const bits = prefix === undefined ? 8 * bytes.length : /^\d{1,3}$/.test(prefix) ? Number(prefix) : -1
    return more.length === 0 && bits >= 0 && bits <= 8 * bytes.length
      ? Option.some({ kind: "network", text, bytes, bits })
      : Option.none()
  }
  const [, star, name = ""] = hostPattern.exec(lower.replace(/\.$/, "")) ?? []
  return name === "" || numeric.test(name)
    ? Option.none()
    : Option.some({ kind: "host", text, name, isSuffix: star !== undefined })
}

export const RuleText = Schema.String.check(
  Schema.makeFilter((text) =>
    Option.isSome(parseRule(text)) || "an address, a network such as 10.0.0.0/8, or a host such as *.example.org"
  )
)

/** `probe_targets` of the agent's file. */
export const TargetsBlock = Schema.Struct({
  /** Only these, by address or by name. */
  allow: Schema.optionalKey(Schema.Array(RuleText)),
  deny: Schema.optionalKey(Schema.Array(RuleText)),
  deny_defaults: Schema.optionalKey(Schema.Boolean)
})

export interface TargetPolicy {
  readonly allow: Option.Option<ReadonlyArray<Rule>>
  readonly deny: ReadonlyArray<Rule>
}

const rules = (texts: ReadonlyArray<string>): ReadonlyArray<Rule> =>
  texts.flatMap((text) => Option.toArray(parseRule(text)))

export const deniedByDefault = [
  // Link-local; 169.254.169.254 and .170.2 are the metadata services of most clouds.
  "169.254.0.0/16",
  "fe80::/10",
  // AWS, Google, Oracle, Linode, Scaleway, Alibaba, Azure, Oracle
  "fd00:ec2::/32",
  "fd20:ce::254",
  "fd00:c1::a9fe:a9fe",
  "fd00:a9fe:a9fe::1",
  "fd00:42::42",
  "100.100.100.200",
  "168.63.129.16",
  "192.0.0.192",
  "metadata.google.internal",
  "metadata.goog",
  "instance-data",
  "instance-data.ec2.internal"
] as const

export const fromBlock = (block: typeof TargetsBlock.Type = {}): TargetPolicy => ({
  allow: Option.map(Option.fromUndefinedOr(block.allow), rules),
  deny: [...rules(block.deny ?? []), ...(block.deny_defaults === false ? [] : rules(deniedByDefault))]
})

const plainName = (host: string): string => host.toLowerCase().replace(/\.$/, "")

const namesHost = (rule: Rule, host: string): boolean =>
  rule.kind === "host" && (rule.isSuffix ? host.endsWith(`.${rule.name}`) : host === rule.name)

const holds = ({ bits, bytes }: Network, address: ReadonlyArray<number>): boolean => {
  if (bytes.length !== address.length) return false
  return bytes.every((byte, index) => {
    const rest = Math.min(8, Math.max(0, bits - 8 * index))
    const mask = 0xff << 8 - rest & 0xff
    return (byte & mask) === ((address[index] ?? 0) & mask)
  })
}

type Bytes = ReadonlyArray<number>

const begins = (bytes: Bytes, ...start: Bytes): boolean => start.every((byte, index) => bytes[index] === byte)

const isZero = (bytes: Bytes, from = 0, to = bytes.length): boolean => bytes.slice(from, to).every((byte) => byte === 0)

/** The address itself, and the IPv4 address that it carries: mapped, compatible, NAT64 and 6to4. */
const formsOf = (bytes: Bytes): ReadonlyArray<Bytes> => {
  if (bytes.length === 4) return [bytes]
  if (isZero(bytes, 0, 12) || isZero(bytes, 0, 10) && bytes[10] === 0xff && bytes[11] === 0xff) {
    return [bytes, bytes.slice(12)]
  }
  if (begins(bytes, 0, 0x64, 0xff, 0x9b) && isZero(bytes, 4, 12)) return [bytes, bytes.slice(12)]
  return begins(bytes, 0x20, 0x02) ? [bytes, bytes.slice(2, 6)] : [bytes]
}

const loopbacks: ReadonlyArray<Bytes> = [[127, 0, 0, 1], [...Array.from({ length: 15 }, () => 0), 1]]

/**
 * What the address may lead to as well: reason enough to deny it, none to allow it, because whoever chooses the rest of
 * such an address says where it really goes.
 */
const suspectsOf = (bytes: Bytes): ReadonlyArray<Bytes> => {
  // A connection to no address is one to this host.
  if (formsOf(bytes).some((form) => isZero(form))) return loopbacks
  const last = bytes.slice(12)
  const isTranslated = isZero(bytes, 0, 8) && begins(bytes.slice(8), 0xff, 0xff, 0, 0)
  const isLocalNat64 = begins(bytes, 0, 0x64, 0xff, 0x9b, 0, 1)
  const isIsatap = ((bytes[8] ?? 0) & 0xfd) === 0 && begins(bytes.slice(9), 0, 0x5e, 0xfe)
  if (isTranslated || isLocalNat64 || isIsatap) return [last]
  // Teredo: the client's address, with every bit turned round.
  return begins(bytes, 0x20, 0x01, 0, 0) ? [last.map((byte) => byte ^ 0xff)] : []
}

/** `host` as configured, `address` as it was resolved; what is no address is denied. */
export const judge = (policy: TargetPolicy, host: string, address: string): Result.Result<void, TargetDenied> => {
  const name = plainName(host)
  const bytes = Option.getOrElse(IpAddress.toBytes(address.replace(/%.*$/, "")), (): Bytes => [])
  const forms = formsOf(bytes)
  const denied = (address: string, rule: string) => Result.fail(new TargetDenied({ target: host, address, rule }))
  const matches = (rule: Rule, among = forms): boolean =>
    rule.kind === "network" ? among.some((form) => holds(rule, form)) : namesHost(rule, name)
  if (bytes.length === 0) return denied(address, "it is no address")
  const suspects = [...forms, ...suspectsOf(bytes)]
  const rule = policy.deny.find((rule) => matches(rule, suspects))
  if (rule !== undefined) return denied(rule.kind === "host" ? "" : address, `${rule.text} is denied`)
  return Option.isNone(policy.allow) || policy.allow.value.some((rule) => matches(rule))
    ? Result.void
    : denied(address, "it is not on the allow list")
}

/** Before anything is resolved: a name that is denied is not even asked for. */
export const judgeName = (policy: TargetPolicy, host: string): Result.Result<void, TargetDenied> => {
  const rule = policy.deny.find((rule) => namesHost(rule, plainName(host)))
  return rule === undefined
    ? Result.void
    : Result.fail(new TargetDenied({ target: host, address: "", rule: `${rule.text} is denied` }))
}

/** Of a name that somebody else resolves, such as a proxy: where it leads nobody knows here, so only names allow it. */
export const judgeUnresolved = (policy: TargetPolicy, host: string): Result.Result<void, TargetDenied> => {
  const name = plainName(host)
  return Option.isNone(policy.allow) || policy.allow.value.some((rule) => namesHost(rule, name))
    ? judgeName(policy, host)
    : Result.fail(new TargetDenied({ target: host, address: "", rule: "its name is not on the allow list" }))
}
