/** The default IPv4 gateway, from the kernel's table `/proc/net/route`. */

const upAndGateway = 0x3

/** Undefined on a machine without a way out. The lowest metric wins, as in the kernel. */
export const parse = (table: string): string | undefined => {
  const routes = table.split("\n").slice(1).flatMap((line) => {
    const [, destination, gateway = "", flags = "", , , metric = ""] = line.trim().split(/\s+/)
    const isDefault = destination === "00000000"
      && (Number.parseInt(flags, 16) & upAndGateway) === upAndGateway
    return isDefault && /^[0-9A-F]{8}$/i.test(gateway) ? [{ gateway, metric: Number(metric) }] : []
  })
  const best = routes.toSorted((left, right) => left.metric - right.metric)[0]
  // Little-endian, as every address there.
  return best?.gateway.match(/../g)?.map((pair) => Number.parseInt(pair, 16)).reverse().join(".")
}
