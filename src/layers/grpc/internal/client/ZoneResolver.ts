/**
 * Targets with a link-local address and its zone, `[fe80::1%eth0]:50051`. The socket needs the zone, but no URL may hold
 * one, and grpc-js makes a URL of every address; so this resolver keeps the two apart.
 */
import * as grpc from "@grpc/grpc-js"
import * as net from "node:net"

const scheme = "serviceradar-zone"
const pattern = /^(?:ipv6:)?\[([^\]%]+)%([^\]]+)\]:(\d+)$/

type Listener = ConstructorParameters<Parameters<typeof grpc.experimental.registerResolver>[1]>[1]

class ZoneResolver {
  readonly #listener: Listener
  readonly #address: grpc.experimental.SubchannelAddress

  constructor(target: grpc.experimental.GrpcUri, listener: Listener) {
    this.#listener = listener
    const [, host = "", zone = "", port = ""] = pattern.exec(target.path) ?? []
    this.#address = { host: `${host}%${zone}`, port: Number(port) }
  }

  updateResolution(): void {
    process.nextTick(() =>
      this.#listener(grpc.experimental.statusOrFromValue([{ addresses: [this.#address] }]), {}, null, "")
    )
  }

  destroy(): void {}

  static getDefaultAuthority(target: grpc.experimental.GrpcUri): string {
    return target.path.replace(/%[^\]]*/, "")
  }
}

let isRegistered = false

/** The target as grpc-js is to be given it. */
export const withZone = (target: string): string => {
  const [, host = "", zone = "", port = ""] = pattern.exec(target) ?? []
  if (!net.isIPv6(host)) return target
  if (!isRegistered) grpc.experimental.registerResolver(scheme, ZoneResolver)
  isRegistered = true
  return `${scheme}:[${host}%${zone}]:${port}`
}
