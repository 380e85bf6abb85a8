/**
 * The TCP ports somebody listens on, read from the kernel's tables `/proc/net/tcp` and `tcp6`.
 *
 * The most telling come first: those with a well-known service, then by number. Ports of the range that the kernel hands
 * out by itself belong to something short-lived more often than not, and are left out.
 */

export interface ListeningPort {
  readonly port: number
  /** An address of this machine on which it answers. */
  readonly host: string
  /** Usual name of the service on this port, else `tcp-PORT`. */
  readonly name: string
}

const wellKnown: ReadonlyMap<number, string> = new Map([
  [22, "ssh"],
  [25, "smtp"],
  [53, "dns"],
  [80, "http"],
  [110, "pop3"],
  [111, "rpcbind"],
  [143, "imap"],
  [389, "ldap"],
  [443, "https"],
  [445, "smb"],
  [587, "submission"],
  [631, "cups"],
  [993, "imaps"],
  [1433, "mssql"],
  [1883, "mqtt"],
  [2049, "nfs"],
  [2181, "zookeeper"],
  [2379, "etcd"],
  [3000, "grafana"],
  [3306, "mysql"],
  [4222, "nats"],
  [5432, "postgresql"],
  [5672, "amqp"],
  [6379, "redis"],
  [6443, "kubernetes"],
  [8080, "http-alt"],
  [8443, "https-alt"],
  [9090, "prometheus"],
  [9092, "kafka"],
  [9100, "node-exporter"],
  [9200, "elasticsearch"],
  [11211, "memcached"],
  [27017, "mongodb"]
])

const listenState = "0A"
const ephemeralFrom = 32_768

/** The kernel prints each 32-bit word of an address in the machine's byte order, which is little-endian everywhere. */
const wordBytes = (word: string): ReadonlyArray<number> =>
  (word.match(/../g) ?? []).map((pair) => Number.parseInt(pair, 16)).reverse()

const ipv4Of = (hex: string): string => wordBytes(hex).join(".")

const ipv6Of = (hex: string): string => {
  const bytes = (hex.match(/.{8}/g) ?? []).flatMap(wordBytes)
  const groups = Array.from(
    { length: 8 },
    (_, index) => (((bytes[index * 2] ?? 0) << 8) | (bytes[index * 2 + 1] ?? 0)).toString(16)
  )
  return groups.join(":")
}

/** Where to reach it from here: a wildcard answers on the loopback. */
const hostOf = (hex: string): string => {
  const loopback = "127.0.0.1"
  if (/^0+$/.test(hex)) return loopback
  if (hex.length === 8) return ipv4Of(hex)
  const address = ipv6Of(hex)
  const mapped = address.startsWith("0:0:0:0:0:ffff:")
  if (mapped) return ipv4Of(hex.slice(24))
  return address === "0:0:0:0:0:0:0:1" ? "::1" : address
}

/** Entries of one table. */
export const parse = (table: string): ReadonlyArray<ListeningPort> =>
  table.split("\n").slice(1).flatMap((line) => {
    const [, local = "", , state = ""] = line.trim().split(/\s+/)
    const [address = "", portHex = ""] = local.split(":")
    const port = Number.parseInt(portHex, 16)
    if (state !== listenState || !(port > 0)) return []
    return [{ port, host: hostOf(address), name: wellKnown.get(port) ?? `tcp-${port}` }]
  })

/** Those that were there both times. */
export const inBoth = (
  before: ReadonlyArray<ListeningPort>,
  after: ReadonlyArray<ListeningPort>
): ReadonlyArray<ListeningPort> =>
  before.filter(({ host, port }) => after.some((one) => one.port === port && one.host === host))

/** One entry for each port, an IPv4 address where there is a choice, at most `limit`. */
export const rank = (
  ports: ReadonlyArray<ListeningPort>,
  options: { readonly limit: number; readonly exclude: ReadonlySet<number> }
): ReadonlyArray<ListeningPort> => {
  const byPort = new Map<number, ListeningPort>()
  for (const entry of ports) {
    const before = byPort.get(entry.port)
    if (before === undefined || (before.host.includes(":") && !entry.host.includes(":"))) byPort.set(entry.port, entry)
  }
  return [...byPort.values()]
    .filter(({ port }) => port < ephemeralFrom && !options.exclude.has(port))
    .toSorted((left, right) =>
      Number(wellKnown.has(right.port)) - Number(wellKnown.has(left.port)) || left.port - right.port
    )
    .slice(0, options.limit)
}
