/** What a socket connects to for a target that names one place; undefined for all that grpc-js has resolvers of its own for. */
import * as net from "node:net"

export type Endpoint =
  | { readonly host: string; readonly port: number }
  | { readonly path: string }

/** The port of a target without one, as grpc-js takes it. */
const portDefault = 443

/** Schemes that say how to read what follows; a name server of its own is for grpc-js. */
const known = /^(?:dns:(?:\/{3})?|ipv[46]:|passthrough:(?:\/{3})?)(?!\d+$)/i

/** No list of them, and no scheme. */
const onePlace = /^(?:\[([^\]]+)\]|([^:/,[\]]+))(?::(\d+))?$/

const isPort = (port: number): boolean => Number.isInteger(port) && port >= 1 && port <= 65_535

export const ofTarget = (target: string): Endpoint | undefined => {
  const path = /^unix:(?:\/\/(?=\/))?(.+)$/i.exec(target)?.[1]
  if (path !== undefined) return { path }
  const place = target.replace(known, "")
  if (net.isIPv6(place)) return { host: place, port: portDefault }
  const [, bracketed, name, digits = String(portDefault)] = onePlace.exec(place) ?? []
  const host = bracketed ?? name
  const port = Number(digits)
  return host !== undefined && isPort(port) ? { host, port } : undefined
}

/** What `:authority` says unless told: the target without its scheme and its zone. */
export const authorityOf = (target: string): string => {
  if (/^unix:/i.test(target)) return "localhost"
  return target.replace(known, "").replace(/%[^\]]*/, "")
}
