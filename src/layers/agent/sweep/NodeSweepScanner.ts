/** Sweeps with what this host has: TCP connections in threads, echo requests by `fping` or `ping`. */
import { Effect, Layer } from "effect"
import * as SweepPlan from "../../../domain/agent/sweep/SweepPlan.ts"
import { type ScanOptions, type ScanSession, SweepScanner } from "../../../services/agent/sweep/SweepScanner.ts"
import * as EchoRequests from "./EchoRequests.ts"
import * as TcpConnect from "./TcpConnect.ts"

/** The hosts that are tried in one way, and their places in the whole list. */
const having = (hosts: Parameters<ScanSession["scan"]>[0], mode: number) => {
  const places: Array<number> = []
  const addresses: Array<string> = []
  for (const [place, { address, modes }] of hosts.entries()) {
    if ((modes & mode) === 0) continue
    places.push(place)
    addresses.push(address)
  }
  return { places, addresses }
}

/** What was found of some hosts, by their places in the whole list. */
const inAll = (
  found: ReadonlyArray<readonly [number, number, number]>,
  places: ReadonlyArray<number>,
  hosts: number
): ReadonlyArray<readonly [number, number, number]> =>
  places.length === hosts ? found : found.map(([host, ...more]) => [places[host] ?? host, ...more])

const open = (path: string | undefined) =>
  Effect.fn("SweepScanner.open")(function*(options: ScanOptions) {
    const connections = options.ports.length === 0 ? undefined : yield* TcpConnect.open(options)
    const requests = options.usesIcmp ? yield* EchoRequests.open(path, options) : undefined
    const session: ScanSession = {
      icmpBy: requests?.by ?? "",
      scan: Effect.fnUntraced(function*(hosts) {
        const byTcp = having(hosts, SweepPlan.tcp)
        const byIcmp = having(hosts, SweepPlan.icmp)
        const [tcp, pings] = yield* Effect.all([
          connections === undefined ? Effect.succeed(TcpConnect.none) : connections.scan(byTcp.addresses),
          requests === undefined || byIcmp.addresses.length === 0
            ? Effect.succeed([])
            : requests.send(byIcmp.addresses)
        ], { concurrency: "unbounded" })
        return {
          ...tcp,
          open: inAll(tcp.open, byTcp.places, hosts.length),
          pings: inAll(pings, byIcmp.places, hosts.length)
        }
      })
    }
    return session
  })

/** `path`: the PATH variable, to find the ping programs. */
export const layer = (path: string | undefined) => Layer.succeed(SweepScanner, { open: open(path) })
