/**
 * What a check is pointed at, read from the `details` text of a poller's request.
 *
 * Every parser answers with what was expected in words an operator can act on. IPv6 addresses need brackets when a port
 * follows (`[::1]:22`); the Go agent knows no IPv6 here, so a config written for it always parses the same.
 */
import { Option, Result, Schema } from "effect"
import * as SecretText from "../../config/SecretText.ts"
import * as HostPort from "../../sockets/HostPort.ts"
import * as IpAddress from "../IpAddress.ts"
import * as HostName from "./HostName.ts"

/** The `details` of a check cannot be understood; nothing was probed. */
export class InvalidTarget extends Schema.TaggedError<InvalidTarget>()("InvalidTarget", {
  serviceType: Schema.String,
  target: Schema.String,
  /** What would have been accepted. */
  expected: Schema.String
}) {
  override get message(): string {
    return `Invalid ${quotable(this.serviceType)} target ${
      JSON.stringify(quotable(SecretText.inAddress(this.target)))
    }: expected ${this.expected}`
  }
}

const quotedLengthMax = 200

/** The beginning of a long text, for a message. */
const quotable = (text: string): string =>
  text.length <= quotedLengthMax
    ? text
    : `${text.slice(0, quotedLengthMax).toWellFormed()}… (${text.length} characters)`

/** In characters. Enough for any target; whoever keeps requests can count on it. */
export const lengthsMax = { serviceType: 64, serviceName: 256, details: 8192, pollerId: 256 } as const

const fieldWords = {
  serviceType: "service type",
  serviceName: "service name",
  details: "details",
  pollerId: "poller id"
} as const

/** Refuses a request that would cost too much to keep. */
export const checkLengths = (
  request: Readonly<Record<keyof typeof lengthsMax, string>>
): Result.Result<void, InvalidTarget> => {
  for (const field of ["serviceType", "serviceName", "details", "pollerId"] as const) {
    const max = lengthsMax[field]
    if (request[field].length <= max) continue
    return Result.fail(
      new InvalidTarget({
        serviceType: request.serviceType.slice(0, lengthsMax.serviceType),
        target: quotable(request[field]),
        expected: `at most ${max} characters of ${fieldWords[field]}`
      })
    )
  }
  return Result.void
}

const portPattern = /^[0-9]{1,5}$/
const processNamePattern = /^[a-zA-Z0-9\-_.]+$/

const processNameLengthMax = 256

/** `true` for an IPv6 address without brackets; a zone (`%eth0`) is allowed. */
export const isIpv6 = (text: string): boolean => {
  const [address = "", zone, ...more] = text.split("%")
  if (more.length > 0 || (zone !== undefined && !/^[A-Za-z0-9._-]+$/.test(zone))) return false
  return address.includes(":") && Option.isSome(IpAddress.parse(address))
}

const isHost = (text: string): boolean => IpAddress.isV4(text) || isIpv6(text) || HostName.isHostName(text)

const hostPortExpected = "host:port with a port from 1 to 65535, an IPv6 address in brackets, such as " +
  "\"192.0.2.10:22\" or \"[2001:db8::1]:22\""

/** Reads `host:port`. An empty host means `localhost`, as gRPC targets have it. */
export const parseHostPort = (serviceType: string, target: string): Result.Result<HostPort.HostPort, InvalidTarget> => {
  const invalid = Result.fail(new InvalidTarget({ serviceType, target, expected: hostPortExpected }))
  const text = target.trim()
  const at = text.lastIndexOf(":")
  if (at === -1) return invalid
  const portText = text.slice(at + 1)
  const port = Number(portText)
  if (!portPattern.test(portText) || port < 1 || port > 65535) return invalid
  const hostText = HostName.toAscii(text.slice(0, at))
  if (hostText === "") return Result.succeed({ host: "localhost", port })
  if (hostText.startsWith("[") && hostText.endsWith("]")) {
    const host = hostText.slice(1, -1)
    return isIpv6(host) ? Result.succeed({ host, port }) : invalid
  }
  return IpAddress.isV4(hostText) || HostName.isHostName(hostText) ? Result.succeed({ host: hostText, port }) : invalid
}

/** An address to dial, with an international name in the form that is looked up; anything else as it is. */
export const asciiAddress = (address: string): string => {
  const target = parseHostPort("", address)
  return Result.isSuccess(target) && !address.includes(target.success.host) && !address.startsWith(":")
    ? HostPort.format(target.success)
    : address
}

/** Reads a host name or an IP address, brackets allowed around IPv6. Never begins with a dash, so it is a safe argument. */
export const parseHost = (serviceType: string, target: string): Result.Result<string, InvalidTarget> => {
  const text = HostName.toAscii(target.trim())
  const host = text.startsWith("[") && text.endsWith("]") ? text.slice(1, -1) : text
  if (isHost(host) && (host === text || isIpv6(host))) return Result.succeed(host)
  return Result.fail(
    new InvalidTarget({ serviceType, target, expected: "a host name, an IPv4 address or an IPv6 address without port" })
  )
}

/** Reads a process name: the rules of the Go agent, except that a leading dash is no name. */
export const parseProcessName = (target: string): Result.Result<string, InvalidTarget> => {
  const name = target.trim()
  if (name.length <= processNameLengthMax && processNamePattern.test(name) && !name.startsWith("-")) {
    return Result.succeed(name)
  }
  return Result.fail(
    new InvalidTarget({
      serviceType: "process",
      target,
      expected:
        `a process name of 1 to ${processNameLengthMax} letters, digits, "-", "_" and ".", not beginning with "-"`
    })
  )
}
