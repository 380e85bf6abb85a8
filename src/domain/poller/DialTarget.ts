/**
 * Where a poller dials, as its file may say it: `host:port`, a port alone for this machine, or a target of gRPC.
 *
 * A name without a port means 443, because that is what it means to gRPC, and to the existing poller.
 */
import { Option } from "effect"
import { asciiAddress, isIpv6 } from "../monitoring/checks/ProbeTarget.ts"
import * as HostPort from "../sockets/HostPort.ts"

export interface DialTarget {
  /** `host:port`, `[v6]:port`, `:port`, or a target of gRPC that is none of these. */
  readonly target: string
  /** The file names no port. */
  readonly isPortAssumed: boolean
}

const portDefault = 443

const named = /^[^\s:/[\]]+$/
const schemed = /^(passthrough|dns|ipv4|ipv6):(?:\/\/([^/]*)\/)?(.*)$/is
const unixPath = /^unix:(?:\/\/\/|\/(?!\/)|[^/]).*$/is

const withPort = (text: string): Option.Option<DialTarget> =>
  Option.map(HostPort.parse(text), () => ({ target: asciiAddress(text), isPortAssumed: false }))

const withoutPort = (text: string): Option.Option<DialTarget> => {
  const host = /^\[([^\]]+)\]$/.exec(text)?.[1] ?? text
  if (!named.test(host) && !isIpv6(host)) return Option.none()
  return Option.some({ target: asciiAddress(HostPort.format({ host, port: portDefault })), isPortAssumed: true })
}

/** None for what nobody can dial. */
export const parse = (text: string): Option.Option<DialTarget> => {
  const plain = withPort(text)
  if (Option.isSome(plain)) return plain
  if (unixPath.test(text)) return Option.some({ target: text, isPortAssumed: false })
  const [, scheme, authority = "", endpoint = ""] = schemed.exec(text) ?? []
  if (scheme === undefined) return withoutPort(text)
  const found = withPort(endpoint)
  if (scheme.toLowerCase() !== "dns") return found
  // A name server of its own is gRPC's to ask.
  if (authority !== "") return Option.map(found, () => ({ target: text, isPortAssumed: false }))
  return Option.orElse(found, () => withoutPort(endpoint))
}

export const expectation =
  "an address such as \"host:50051\", or a target of gRPC such as \"dns:///host:50051\" or \"unix:/path\""
