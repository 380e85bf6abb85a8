/**
 * Which proxy the environment names for a target, and whether the target is dialled directly all the same.
 *
 * `no_proxy` is read as curl and Go read it: names of any case, with everything below them (`lan`, `.lan`, `*.lan`),
 * addresses, networks (`10.0.0.0/8`), each with a port or without, and `*` for everything. This machine is never asked
 * through a proxy.
 */
import * as net from "node:net"
import { hostOf, type TargetHost } from "./internal/client/Target.ts"

export type Environment = Readonly<Record<string, string | undefined>>

const family = (address: string): "ipv4" | "ipv6" => net.isIPv6(address) ? "ipv6" : "ipv4"

const isInNetwork = (host: string, network: string, prefix: number): boolean => {
  if (net.isIP(host) === 0 || net.isIP(network) === 0) return false
  const bitsMax = net.isIPv6(network) ? 128 : 32
  if (!Number.isInteger(prefix) || prefix < 0 || prefix > bitsMax) return false
  const list = new net.BlockList()
  list.addSubnet(network, prefix, family(network))
  return list.check(host, family(host))
}

const isThisMachine = (host: string): boolean =>
  host === "localhost" || host.endsWith(".localhost") || host === "0.0.0.0" || host === "::" ||
  isInNetwork(host, "127.0.0.0", 8) || isInNetwork(host, "::1", 128)

/** `host`, `host:port`, `[v6]`, `[v6]:port`; a bare IPv6 address has colons of its own. */
const splitEntry = (entry: string): TargetHost => {
  if (net.isIPv6(entry)) return { host: entry, port: undefined }
  const [, bracketed, name, port] = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d+))?$/.exec(entry) ?? []
  return { host: bracketed ?? name ?? entry, port }
}

const isUnder = (host: string, name: string): boolean => {
  const bare = name.replace(/^\*?\./, "").replace(/\.$/, "")
  return bare !== "" && (host === bare || host.endsWith(`.${bare}`))
}

const matches = (target: TargetHost, entry: string): boolean => {
  if (entry === "*") return true
  const [network = "", prefix] = entry.split("/")
  if (prefix !== undefined) return isInNetwork(target.host, network.replace(/[[\]]/g, ""), Number(prefix))
  const { host, port } = splitEntry(entry)
  if (port !== undefined && port !== target.port) return false
  return net.isIP(host) === 0 ? isUnder(target.host, host) : isInNetwork(target.host, host, net.isIPv6(host) ? 128 : 32)
}

/** `own` is a variable that weighs more than `no_proxy`. */
export const isDirect = (target: string, environment: Environment, own = "no_grpc_proxy"): boolean => {
  const found = hostOf(target)
  if (found === undefined) return true
  const host = found.host.replace(/%.*$/, "").replace(/\.$/, "")
  if (isThisMachine(host)) return true
  const list = environment[own] ?? environment["no_proxy"] ?? environment["NO_PROXY"] ?? ""
  return list.toLowerCase().split(/[\s,]+/).some((entry) => entry !== "" && matches({ ...found, host }, entry))
}

/**
 * The proxy of an HTTP address, as Go's client finds it: `HTTPS_PROXY` or `HTTP_PROXY` by its scheme, of any case; undefined
 * where it is asked directly. A proxy without a scheme is spoken to in plain HTTP.
 */
export const ofAddress = (address: string, environment: Environment): string | undefined => {
  const url = URL.parse(address)
  if (url === null) return undefined
  const name = url.protocol === "https:" ? "HTTPS_PROXY" : "HTTP_PROXY"
  const given = environment[name] ?? environment[name.toLowerCase()] ?? ""
  const port = url.port === "" ? (url.protocol === "https:" ? "443" : "80") : url.port
  if (given === "" || isDirect(`${url.hostname}:${port}`, environment, "no_proxy")) return undefined
  return /^[a-z][\w+.-]*:\/\//i.test(given) ? given : `http://${given}`
}
