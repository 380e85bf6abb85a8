/** Where a server listens, as the Go services write it: `host:port`, `[v6]:port`, or `:port` for all interfaces. */
import { Option, Schema } from "effect"

export interface ListenAddress {
  /** Empty for all interfaces, IPv4 and IPv6 alike. */
  readonly host: string
  /** 0 takes a free one. */
  readonly port: number
}

const pattern = /^(?:\[([^\]]+)\]|([^\s:/[\]]*)):(\d{1,5})$/
const portMax = 65_535

export const parse = (text: string): Option.Option<ListenAddress> => {
  const found = pattern.exec(text)
  const port = Number(found?.[3])
  if (found === null || port > portMax) return Option.none()
  const host = found[1] ?? found[2] ?? ""
  return Option.some({ host, port })
}

/** A key of a configuration file; empty means that there is no server. */
export const ListenAddress = Schema.String.check(
  Schema.makeFilter((text) =>
    text === "" || Option.isSome(parse(text)) || "an address to listen on such as \":50053\" or \"127.0.0.1:50053\""
  )
)
