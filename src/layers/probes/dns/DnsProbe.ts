/**
 * `dns`: does a server answer for a name, and with what?
 *
 * One server is asked, with no cache in between: the one that is named, which must be an allowed target as any other, or
 * the first of this host's own. An answer that does not fit into a datagram is asked for over TCP.
 */
import { Effect, Option, Random, Result, Schema } from "effect"
import * as dns from "node:dns"
import * as net from "node:net"
import * as Details from "../../../domain/monitoring/checks/details/Details.ts"
import * as Payload from "../../../domain/monitoring/checks/details/Payload.ts"
import * as HostName from "../../../domain/monitoring/checks/HostName.ts"
import { parseHost, parseHostPort } from "../../../domain/monitoring/checks/ProbeTarget.ts"
import * as IpAddress from "../../../domain/monitoring/IpAddress.ts"
import type { HostPort } from "../../../domain/sockets/HostPort.ts"
import * as HostPorts from "../../../domain/sockets/HostPort.ts"
import * as CheckSteps from "../CheckSteps.ts"
import type { Kind, ProbeKit } from "../ProbeKit.ts"
import * as DnsExchange from "./DnsExchange.ts"
import * as DnsMessage from "./DnsMessage.ts"

const portDefault = 53

/** `host` or `host:port`. */
const serverOf = (text: string): Result.Result<HostPort, string> =>
  Result.match(parseHost("dns", text), {
    onSuccess: (host) => Result.succeed({ host, port: portDefault }),
    onFailure: () => Result.mapError(parseHostPort("dns", text), ({ expected }) => `expected a host or ${expected}`)
  })

const Server = Schema.String.check(
  Schema.makeFilter((text: string) =>
    Result.match(serverOf(text), { onSuccess: () => undefined, onFailure: (expected) => expected })
  )
)

const Name = Schema.String.check(
  Schema.makeFilter((text: string) =>
    text === "." || HostName.isHostName(HostName.toAscii(text)) || Option.isSome(IpAddress.parse(text))
      ? undefined
      : "expected a name, or an address for a record of type PTR"
  )
)

const Target = Schema.Struct({
  name: Details.required(Name, "what is asked for; an address asks for its name", { shows: "whole" }),
  type: Details.optional(
    Schema.Literals(DnsMessage.recordTypes),
    "of the record; A, or PTR where the name is an address",
    { shows: "whole" }
  ),
  server: Details.optional(
    Server,
    "`host` or `host:port` of the server that is asked; without it the first of the agent's host",
    { shows: "whole" }
  ),
  transport: Details.orElse(
    Schema.Literals(["auto", "udp", "tcp"]),
    "auto",
    "`auto` asks over UDP, and over TCP when the answer does not fit",
    { shows: "whole" }
  ),
  expected: Details.optional(
    Schema.NonEmptyArray(Schema.String),
    "values that must be among the answers; names without final dot, `10 mail.example.org` of MX, priority, weight, port " +
      "and target of SRV, `0 issue ca.example` of CAA, server, mailbox and serial of SOA",
    { shows: "whole" }
  ),
  match: Details.orElse(
    Schema.Literals(["all", "any", "exact"]),
    "all",
    "whether all of the expected values must be there, any of them, or they and no other",
    { shows: "whole" }
  ),
  code: Details.orElse(Schema.Literals(DnsMessage.responseCodes), "NOERROR", "the response code that is expected", {
    shows: "whole"
  }),
  authoritative: Details.orElse(Schema.Boolean, false, "whether the server must be one of the zone's own", {
    shows: "whole"
  }),
  dnssec: Details.orElse(Schema.Boolean, false, "whether the server must have verified the signatures", {
    shows: "whole"
  }),
  recursion: Details.orElse(Schema.Boolean, true, "whether the server is asked to ask others", { shows: "whole" }),
  timeout: Details.timeout("5 seconds")
})
type Target = typeof Target.Type

const payload = Schema.Struct({
  name: Payload.text("what was asked for"),
  type: Payload.text("of the record"),
  server: Payload.text("`host:port` that was asked"),
  address: Payload.text("of the server, where it was given by name"),
  transport: Payload.text("`udp` or `tcp`: over which the answer came"),
  code: Payload.text("the response code, such as `NOERROR` or `NXDOMAIN`"),
  answers: Payload.texts("the records of the type, without the aliases on the way, the first 50"),
  answer_count: Payload.measure("count", "records of the type"),
  ttl_seconds: Payload.measure("seconds", "the shortest time to live of these records"),
  authoritative: Payload.flag("whether the server is one of the zone's own"),
  authentic: Payload.flag("whether the server has verified the signatures"),
  timings: Payload.timings("dns", "answer", "connect"),
  ...Payload.common
})

/** As `dig` has it: `name`, `name TYPE`, `name TYPE @server`, in any order behind the name. */
const bare = (text: string): Result.Result<object, string> => {
  const [name = "", ...words] = text.split(/\s+/)
  const server = words.find((word) => word.startsWith("@"))
  const others = words.filter((word) => word !== server)
  if (others.length > 1) return Result.fail("more than a name, a type and a server")
  return Result.succeed({
    name,
    ...(others[0] === undefined ? {} : { type: others[0].toUpperCase() }),
    ...(server === undefined ? {} : { server: server.slice(1) })
  })
}

const format: Details.Format<Target> = {
  serviceType: "dns",
  schema: Target,
  bare,
  bareForm: "a name, name TYPE, or name TYPE @server"
}
const parse = Details.parse(format)

const answersMax = 50

/** The server that is named, judged as any target, or the first of this host's own. */
const find = Effect.fnUntraced(function*(kit: ProbeKit, named: HostPort | undefined) {
  if (named === undefined) {
    const [own = ""] = dns.getServers()
    // As the library gives them: an address, with a port where it is not the usual one.
    const { host, port } = Option.getOrElse(HostPorts.parse(own), () => ({ host: own, port: portDefault }))
    const family = net.isIP(host)
    return family === 0
      ? yield* new CheckSteps.StepFailed({ reason: "this host has no DNS server: name one" })
      : { address: { address: host, family }, port }
  }
  const [address] = yield* kit.names.resolve(named.host).pipe(
    Effect.mapError(({ reason }) => new CheckSteps.StepFailed({ reason }))
  )
  return address === undefined
    ? yield* new CheckSteps.StepFailed({ reason: "the server's name has no address" })
    : { address, port: named.port }
})

/** An address is the same in each of its spellings. */
const plain = (text: string): string =>
  Option.match(IpAddress.toBytes(text), {
    onNone: () => DnsMessage.plainName(text),
    onSome: (bytes) => bytes.join(".")
  })

/** What of the values is not as expected. */
const valuesComplaint = ({ expected, match }: Target, records: ReadonlyArray<string>): string | undefined => {
  if (expected === undefined) return undefined
  const found = new Set(records.map(plain))
  const missing = expected.filter((value) => !found.has(plain(value)))
  const wanted = new Set(expected.map(plain))
  const surplus = match === "exact" ? records.filter((value) => !wanted.has(plain(value))) : []
  const isMissing = match === "any" ? missing.length === expected.length : missing.length > 0
  return CheckSteps.complaintOf(
    isMissing ? `the answer lacks ${missing.join(", ")}` : undefined,
    surplus.length > 0 ? `the answer has ${surplus.slice(0, 5).join(", ")} besides` : undefined
  )
}

const complaintOf = (target: Target, answer: DnsMessage.Answer): string | undefined => {
  if (answer.code !== target.code) return `the server answers ${answer.code}, expected ${target.code}`
  return CheckSteps.complaintOf(
    answer.isTruncated ? "the answer does not fit into a datagram" : undefined,
    answer.records.length === 0 && target.code === "NOERROR" ? "the name has no such record" : undefined,
    valuesComplaint(target, answer.records),
    target.authoritative && !answer.isAuthoritative ? "the server is none of the zone's own" : undefined,
    target.dnssec && !answer.isAuthentic ? "the server has not verified the signatures" : undefined
  )
}

/** What is really asked for: an address is asked for by its name in the reverse zones. */
const questionOf = (target: Target): Pick<DnsMessage.Question, "name" | "type"> => {
  const bytes = Option.getOrUndefined(IpAddress.toBytes(target.name))
  return bytes === undefined
    ? { name: HostName.toAscii(target.name), type: target.type ?? "A" }
    : { name: DnsMessage.reverseName(bytes), type: target.type ?? "PTR" }
}

const prepare: Kind["prepare"] = (kit) =>
  Effect.fnUntraced(function*(request) {
    const target = yield* Effect.fromResult(parse(request.details))
    const asked = questionOf(target)
    const named = target.server === undefined ? undefined : Result.getOrUndefined(serverOf(target.server))
    const failure = `DNS check of ${target.name} failed`
    return CheckSteps.checker({
      limit: target.timeout,
      failure,
      work: Effect.fnUntraced(function*(watch) {
        const server = yield* watch.step("dns", find(kit, named))
        const id = yield* Random.nextIntBetween(0, 65_536)
        const question = { ...asked, id, recursion: target.recursion, dnssec: target.dnssec }
        const { answer, transport } = yield* DnsExchange.ask(question, server, target.transport, watch)
        return {
          facts: {
            ...asked,
            server: HostPorts.format(named ?? { host: server.address.address, port: server.port }),
            ...(named === undefined || named.host === server.address.address
              ? {}
              : { address: server.address.address }),
            transport,
            code: answer.code,
            answers: answer.records.slice(0, answersMax),
            answer_count: answer.records.length,
            ...(answer.ttlSeconds === undefined ? {} : { ttl_seconds: answer.ttlSeconds }),
            authoritative: answer.isAuthoritative,
            authentic: answer.isAuthentic
          },
          complaint: complaintOf(target, answer)
        }
      })
    })
  })

export const kind: Kind = {
  about: "Does a DNS server answer for a name, and with what?",
  notes: "`timings.dns` is the time for the server's own name.",
  details: { bareForm: format.bareForm, schema: Target },
  payload,
  examples: [
    { details: "example.org", about: "Does the name have an IPv4 address?" },
    { details: "example.org MX @192.0.2.53", about: "Does that server know its mail servers?" },
    {
      details:
        "{\"name\":\"www.example.org\",\"server\":\"192.0.2.53\",\"expected\":[\"192.0.2.80\"],\"match\":\"exact\"}",
      about: "Does the name lead to this address and no other?"
    },
    {
      details: "{\"name\":\"gone.example.org\",\"code\":\"NXDOMAIN\"}",
      about: "Is the name gone?"
    }
  ],
  prepare
}
