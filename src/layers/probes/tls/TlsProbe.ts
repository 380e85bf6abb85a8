/**
 * `tls`: which certificates does a server show, are they to be trusted, and how long are they still good?
 *
 * On any port, at once or after the protocol's own words for it (STARTTLS). The handshake is made also with a certificate
 * that is not to be trusted: what is wrong with it is then in the message with the chain. Nothing is sent through the
 * connection.
 */
import { Clock, DateTime, Effect, Option, Result, Schema } from "effect"
import { HostAndPort } from "../../../domain/monitoring/checks/details/Address.ts"
import * as Details from "../../../domain/monitoring/checks/details/Details.ts"
import * as Payload from "../../../domain/monitoring/checks/details/Payload.ts"
import { parseHostPort } from "../../../domain/monitoring/checks/ProbeTarget.ts"
import * as CheckSteps from "../CheckSteps.ts"
import * as Connection from "../net/Connection.ts"
import type { Kind } from "../ProbeKit.ts"
import * as Authorities from "./Authorities.ts"
import * as CertificateChain from "./CertificateChain.ts"
import * as Handshake from "./Handshake.ts"
import * as StartTls from "./StartTls.ts"

const Target = Schema.Struct({
  address: Details.required(HostAndPort, "`host:port`", { shows: "whole" }),
  startTls: Details.optional(
    Schema.Literals(StartTls.names),
    "the protocol in whose words TLS is asked for first",
    { shows: "whole" }
  ),
  serverName: Details.optional(
    Schema.NonEmptyString,
    "the name that the server is asked for and that its certificate must be for, instead of the host",
    { shows: "whole" }
  ),
  certDaysMin: Details.optional(
    Schema.Int.check(Schema.isGreaterThanOrEqualTo(0)),
    "not available when a certificate of the chain has fewer days left",
    { shows: "whole" }
  ),
  minVersion: Details.orElse(
    Schema.Literals(["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"]),
    "TLSv1.2",
    "the oldest version that will do",
    { shows: "whole" }
  ),
  alpn: Details.optional(Schema.NonEmptyString, "the protocol above TLS that must be agreed on, such as `h2`", {
    shows: "whole"
  }),
  caFile: Details.optional(
    Schema.NonEmptyString,
    "PEM file on the agent's host with the certificate authorities to trust instead of the system's",
    { shows: "whole" }
  ),
  insecureSkipVerify: Details.orElse(
    Schema.Boolean,
    false,
    "accept any certificate; what is wrong with it is in `distrust` all the same",
    { shows: "whole" }
  ),
  timeout: Details.timeout("10 seconds")
})
type Target = typeof Target.Type

const Link = Schema.Struct({
  subject: Payload.text("whose it is"),
  issuer: Payload.text("who signed it"),
  not_before: Payload.text("ISO 8601"),
  not_after: Payload.text("ISO 8601"),
  days: Payload.measure("days", "left, rounded down"),
  names: Payload.text("subject alternative names")
})

const payload = Schema.Struct({
  host: Payload.text("of the target"),
  port: Payload.measure("count", "of the target"),
  address: Payload.text("the one that answered"),
  tls_version: Payload.text("such as `TLSv1.3`"),
  cipher: Payload.text("of the connection"),
  alpn: Payload.text("the protocol above TLS that was agreed on"),
  tls_expiry_days: Payload.measure("days", "until the first certificate of the chain expires, rounded down"),
  tls_not_after: Payload.text("when that is, ISO 8601"),
  tls_subject: Payload.text("whose that certificate is"),
  tls_issuer: Payload.text("who signed it"),
  trusted: Payload.flag("whether the chain leads to a trusted authority and is for the name"),
  distrust: Payload.text("why it is not trusted"),
  chain: Payload.value(Schema.Array(Link), "the certificates, beginning with the server's own"),
  timings: Payload.timings("dns", "connect", "starttls", "tls"),
  ...Payload.common
})

const format: Details.Format<Target> = {
  serviceType: "tls",
  schema: Target,
  bare: (address) => Result.succeed({ address }),
  bareForm: "host:port"
}
const parse = Details.parse(format)

const linkOf = (nowMillis: number) => (one: CertificateChain.Certificate) => ({
  subject: one.subject,
  issuer: one.issuer,
  not_before: DateTime.formatIso(one.notBefore),
  not_after: DateTime.formatIso(one.notAfter),
  days: CertificateChain.daysLeft(one, nowMillis),
  ...(one.names === "" ? {} : { names: one.names })
})

/** What of the connection is not as expected. */
const judge = Effect.fnUntraced(function*(target: Target, { distrust, socket }: Handshake.Handshake) {
  const nowMillis = yield* Clock.currentTimeMillis
  const chain = CertificateChain.of(socket)
  const first = Option.getOrUndefined(CertificateChain.firstToExpire(chain))
  const days = first === undefined ? undefined : CertificateChain.daysLeft(first, nowMillis)
  const agreed = typeof socket.alpnProtocol === "string" ? socket.alpnProtocol : undefined
  const isShort = days !== undefined && target.certDaysMin !== undefined && days < target.certDaysMin
  return {
    facts: {
      tls_version: socket.getProtocol() ?? "",
      cipher: socket.getCipher().name,
      ...(agreed === undefined ? {} : { alpn: agreed }),
      ...(first === undefined || days === undefined ? {} : {
        tls_expiry_days: days,
        tls_not_after: DateTime.formatIso(first.notAfter),
        tls_subject: first.subject,
        tls_issuer: first.issuer
      }),
      trusted: distrust === undefined,
      ...(distrust === undefined ? {} : { distrust }),
      chain: chain.map(linkOf(nowMillis))
    },
    complaint: CheckSteps.complaintOf(
      target.insecureSkipVerify ? undefined : distrust,
      isShort
        ? `certificate ${first?.subject} expires in ${days} days, at least ${target.certDaysMin} are expected`
        : undefined,
      target.alpn === undefined || target.alpn === agreed
        ? undefined
        : `the server does not speak ${target.alpn} above TLS`
    )
  }
})

const prepare: Kind["prepare"] = (kit) =>
  Effect.fnUntraced(function*(request) {
    const target = yield* Effect.fromResult(parse(request.details))
    const place = yield* Effect.fromResult(parseHostPort("tls", target.address))
    const failure = `TLS check of ${target.address} failed`
    return CheckSteps.checker({
      limit: target.timeout,
      failure,
      work: Effect.fnUntraced(function*(watch) {
        const ca = yield* Authorities.read(kit.fs, target.caFile)
        const { address, socket } = yield* Connection.open(kit.names, place, watch)
        if (target.startTls !== undefined) yield* watch.step("starttls", StartTls.ask(target.startTls, socket))
        const handshake = yield* watch.step(
          "tls",
          Handshake.make(socket, {
            host: target.serverName ?? place.host,
            ca,
            minVersion: target.minVersion,
            alpn: target.alpn === undefined ? undefined : [target.alpn]
          })
        )
        const { complaint, facts } = yield* judge(target, handshake)
        return { facts: { ...place, address, ...facts }, complaint }
      })
    })
  })

export const kind: Kind = {
  about: "Which certificates does a server show, are they to be trusted, and how long are they still good?",
  details: { bareForm: format.bareForm, schema: Target },
  payload,
  examples: [
    { details: "example.org:443", about: "Is the certificate to be trusted?" },
    {
      details: "{\"address\":\"mail.example.org:25\",\"startTls\":\"smtp\",\"certDaysMin\":14}",
      about: "Does the mail server's certificate last for two more weeks?"
    },
    {
      details:
        "{\"address\":\"db.example.org:5432\",\"startTls\":\"postgres\",\"caFile\":\"/etc/serviceradar/certs/root.pem\"}",
      about: "Is the database's certificate from our own authority?"
    }
  ],
  prepare
}
