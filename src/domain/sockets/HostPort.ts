/** One end of a TCP connection as text has it: `host:port`, `[v6]:port`, or `:port` without a host. */
import { Option } from "effect"

export interface HostPort {
  /** A name or an address, IPv6 without brackets. Empty where the text names a port alone. */
  readonly host: string
  /** 0 to 65535. */
  readonly port: number
}

const pattern = /^(?:\[([^\]]+)\]|([^\s:/[\]]*)):(\d{1,5})$/
const portMax = 65_535

/** None without a port, with an impossible one, and for IPv6 without brackets. */
export const parse = (text: string): Option.Option<HostPort> => {
  const found = pattern.exec(text)
  const port = Number(found?.[3])
  if (found === null || port > portMax) return Option.none()
  const host = found[1] ?? found[2] ?? ""
  return Option.some({ host, port })
}

/** The text that `parse` reads back. */
export const format = ({ host, port }: HostPort): string => host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`

/** The host of a text that may lack the port; a bare IPv6 address is one host. */
export const hostOf = (text: string): string =>
  Option.match(parse(text), {
    onNone: () => /^\[([^\]]+)\]$/.exec(text)?.[1] ?? text,
    onSome: ({ host }) => host
  })
