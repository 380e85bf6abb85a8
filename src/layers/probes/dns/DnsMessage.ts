/**
 * Questions and answers of DNS as bytes, and records as text in the form of zone files.
 *
 * Whatever an answer is made of, reading it ends soon: names that point at one another are refused, and longer messages
 * than anybody needs are not read at all.
 */
import * as dnsPacket from "dns-packet"
import { Result } from "effect"
import * as DnsLayout from "./DnsLayout.ts"

export const recordTypes = ["A", "AAAA", "CAA", "CNAME", "MX", "NS", "PTR", "SOA", "SRV", "TXT"] as const
export type RecordType = (typeof recordTypes)[number]

/** By their number. */
export const responseCodes = [
  "NOERROR",
  "FORMERR",
  "SERVFAIL",
  "NXDOMAIN",
  "NOTIMP",
  "REFUSED",
  "YXDOMAIN",
  "YXRRSET",
  "NXRRSET",
  "NOTAUTH",
  "NOTZONE"
] as const

export interface Question {
  readonly id: number
  readonly name: string
  readonly type: RecordType
  readonly recursion: boolean
  /** Whether signatures are asked for. */
  readonly dnssec: boolean
}

export interface Answer {
  readonly code: string
  readonly isTruncated: boolean
  readonly isAuthoritative: boolean
  /** Whether the resolver has verified the signatures. */
  readonly isAuthentic: boolean
  /** Of the type that was asked for, without the aliases on the way. */
  readonly records: ReadonlyArray<string>
  /** Of these records, the shortest, in seconds. */
  readonly ttlSeconds: number | undefined
}

/** Of one answer: with more it could be made to take long to read. */
export const bytesMax = 16 * 1_024
/** What fits into a datagram on nearly every network (DNS flag day 2020). */
const udpPayloadBytes = 1_232

export const encode = ({ dnssec, id, name, recursion, type }: Question): Buffer =>
  dnsPacket.encode({
    type: "query",
    id,
    flags: recursion ? dnsPacket.RECURSION_DESIRED : 0,
    questions: [{ type, name, class: "IN" }],
    additionals: [{
      type: "OPT",
      name: ".",
      udpPayloadSize: udpPayloadBytes,
      extendedRcode: 0,
      ednsVersion: 0,
      flags: dnssec ? dnsPacket.DNSSEC_OK : 0,
      flag_do: dnssec,
      options: []
    }]
  })

/** Names are the same in any case, with and without the final dot. */
export const plainName = (name: string): string => name.toLowerCase().replace(/\.$/, "")

const textOf = (part: string | Buffer): string => typeof part === "string" ? part : part.toString("utf8")

/** The value of a record; undefined for a type that is not asked for. */
const valueOf = (record: dnsPacket.Answer): string | undefined => {
  switch (record.type) {
    case "A":
    case "AAAA":
      return record.data
    case "CNAME":
    case "NS":
    case "PTR":
      return plainName(record.data)
    case "MX":
      return `${record.data.preference ?? 0} ${plainName(record.data.exchange)}`
    case "SRV":
      return `${record.data.priority ?? 0} ${record.data.weight ?? 0} ${record.data.port} ${
        plainName(record.data.target)
      }`
    case "SOA":
      return `${plainName(record.data.mname)} ${plainName(record.data.rname)} ${record.data.serial ?? 0}`
    case "CAA":
      return `${record.data.flags ?? 0} ${record.data.tag} ${record.data.value}`
    case "TXT":
      return [record.data].flat().map(textOf).join("")
    default:
      return undefined
  }
}

const noDns = (reason: string): string => `the answer is no DNS: ${reason}`

const decoded = (bytes: Buffer): Result.Result<dnsPacket.DecodedPacket, string> => {
  const problem = DnsLayout.problemOf(bytes)
  if (problem !== undefined) return Result.fail(noDns(problem))
  return Result.try({
    try: () => dnsPacket.decode(bytes),
    catch: (error) => noDns(error instanceof Error ? error.message : String(error))
  })
}

/** The name that was asked for, and those that it is an alias of: what an answer says of others is nobody's question. */
const namesOf = (name: string, records: ReadonlyArray<dnsPacket.Answer>): ReadonlySet<string> => {
  const aliases = new Map(
    records.flatMap((record) =>
      record.type === "CNAME" ? [[plainName(record.name), plainName(record.data)] as const] : []
    )
  )
  const names = new Set<string>()
  for (
    let next: string | undefined = plainName(name);
    next !== undefined && !names.has(next);
    next = aliases.get(next)
  ) {
    names.add(next)
  }
  return names
}

/** Whether the bytes claim to be the answer to a question with this id. */
export const isFor = (id: number, bytes: Buffer): boolean =>
  bytes.length >= 3 && bytes.readUInt16BE(0) === id && ((bytes[2] ?? 0) & 0x80) !== 0

const answers = ({ name, type }: Question, packet: dnsPacket.DecodedPacket): Result.Result<Answer, string> => {
  const [asked] = packet.questions ?? []
  if (asked === undefined || plainName(asked.name) !== plainName(name) || asked.type !== type) {
    return Result.fail("the answer is to another question")
  }
  // Of the Internet: a record of another class may have the same type and is another thing.
  const all = (packet.answers ?? []).filter((record) => "class" in record && record.class === "IN")
  const names = namesOf(name, all)
  const records = all.filter((record) => record.type === type && names.has(plainName(record.name)))
  const ttls = records.flatMap((record) => "ttl" in record && record.ttl !== undefined ? [record.ttl] : [])
  const code = (packet.flags ?? 0) & 0x0f
  return Result.succeed({
    code: responseCodes[code] ?? `RCODE${code}`,
    isTruncated: packet.flag_tc,
    isAuthoritative: packet.flag_aa,
    isAuthentic: packet.flag_ad,
    records: records.flatMap((record) => valueOf(record) ?? []),
    ttlSeconds: ttls.length === 0 ? undefined : Math.min(...ttls)
  })
}

/** The answer, or why the bytes are none. */
export const decode = (question: Question, bytes: Buffer): Result.Result<Answer, string> => {
  if (bytes.length > bytesMax) return Result.fail(`the answer has ${bytes.length} bytes, at most ${bytesMax} are read`)
  if (!isFor(question.id, bytes)) return Result.fail("the answer is to another question")
  // The library may give values of other shapes than it says for bytes that are no records.
  return Result.flatMap(decoded(bytes), (packet) =>
    Result.flatMap(
      Result.try({ try: () => answers(question, packet), catch: () => "the answer has records that are none" }),
      (answer) => answer
    ))
}

/** `10.2.0.192.in-addr.arpa` for an address. */
export const reverseName = (bytes: ReadonlyArray<number>): string =>
  bytes.length === 4
    ? `${bytes.toReversed().join(".")}.in-addr.arpa`
    : `${
      bytes.flatMap((byte) => [byte >> 4, byte & 0x0f]).toReversed().map((nibble) => nibble.toString(16)).join(".")
    }.ip6.arpa`
