/** How a client is named: `address:port`, or `unix`. */
import type * as http2 from "node:http2"
import { addressOf } from "../../ByteBudget.ts"

/** A server on both families sees IPv4 clients under these. */
const mapped = /^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i

export const peerOf = (address: string | undefined, port: number | undefined): string => {
  if (address === undefined || port === undefined) return "unix"
  const plain = address.replace(mapped, "")
  return plain.includes(":") ? `[${plain}]:${port}` : `${plain}:${port}`
}

export interface Peer {
  /** Without the port: connections of one address share. */
  readonly address: string
  readonly name: string
}

const unknown: Peer = { address: "unknown", name: "unknown" }

/** Asked once per connection: each question to its socket goes through HTTP/2's own wrapping of it. */
const peers = new WeakMap<http2.Http2Session, Peer>()

/** Of a connection that is gone nothing is known, unless it was asked before. */
export const ofSession = (session: http2.Http2Session | undefined): Peer => {
  if (session === undefined) return unknown
  const known = peers.get(session)
  if (known !== undefined) return known
  if (session.destroyed) return unknown
  const { remoteAddress, remotePort } = session.socket
  const name = peerOf(remoteAddress, remotePort)
  const peer = { name, address: addressOf(name) }
  peers.set(session, peer)
  return peer
}
