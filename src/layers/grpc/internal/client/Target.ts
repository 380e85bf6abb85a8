/**
 * What a target names: `host:port`, `[v6]:port`, `dns:///host:port`, `ipv4:address:port`, `unix:/path`; `:port` is a
 * port of this machine, as the Go peers write it.
 */
import * as net from "node:net"

/** A name that resolves to nothing: grpc-js throws at an empty target, but a wrong one must only fail its calls. */
const emptyTarget = "(empty target)"

export const normalize = (target: string): string => {
  if (target === "") return emptyTarget
  return /^:\d+$/.test(target) ? `localhost${target}` : target
}

export interface TargetHost {
  /** Lower case, without brackets. */
  readonly host: string
  readonly port: string | undefined
}

const pattern = /^(?:[a-z][a-z0-9+.-]*:(?:\/\/[^/]*\/|\/)?)?(?:\[([^\]]+)\]|([^:/[\]]+))(?::(\d+))?$/i

/** A name may look like a scheme: `agent:50051` is host and port. */
const plainPattern = /^([^:/[\]]+):(\d+)$/

/** None for a socket path or what cannot be read. */
export const hostOf = (target: string): TargetHost | undefined => {
  if (net.isIPv6(target)) return { host: target.toLowerCase(), port: undefined }
  const plain = plainPattern.exec(target)
  if (plain?.[1] !== undefined) return { host: plain[1].toLowerCase(), port: plain[2] }
  if (/^unix(-abstract)?:/i.test(target)) return undefined
  const [, bracketed, name, port] = pattern.exec(target) ?? []
  const host = bracketed ?? name
  return host === undefined ? undefined : { host: host.toLowerCase(), port }
}
