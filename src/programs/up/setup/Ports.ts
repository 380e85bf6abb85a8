/** The loopback ports of one `serviceradar up`: those of its configuration where they are free. */
import { Effect } from "effect"
import * as FreePort from "../../../layers/process/endpoint/FreePort.ts"

export interface Ports {
  readonly coreGrpc: number
  readonly coreHttp: number
  readonly agentGrpc: number
  readonly pollerGrpc: number
  readonly postgres: number
}

export const usual: Ports = {
  coreGrpc: 50_052,
  coreHttp: 8090,
  agentGrpc: 50_051,
  pollerGrpc: 50_053,
  postgres: 5433
}

export const host = "127.0.0.1"

/**
 * Ports that are free, none of them twice, each the preferred one where that is possible. Another `up` that starts at the
 * same moment gets others, until the scope closes.
 */
export const choose = Effect.fn("Ports.choose")(function*(preferred: Ports) {
  const taken = new Set<number>()
  const next = Effect.fnUntraced(function*(wanted: number) {
    let port = yield* FreePort.claim(host, wanted)
    while (taken.has(port)) port = yield* FreePort.claim(host, port + 1)
    taken.add(port)
    return port
  })
  return {
    coreGrpc: yield* next(preferred.coreGrpc),
    coreHttp: yield* next(preferred.coreHttp),
    agentGrpc: yield* next(preferred.agentGrpc),
    pollerGrpc: yield* next(preferred.pollerGrpc),
    postgres: yield* next(preferred.postgres)
  } satisfies Ports
})

/** Old port to new port, for those that moved. */
export const moved = (from: Ports, to: Ports): ReadonlyMap<number, number> => {
  const pairs: ReadonlyArray<readonly [number, number]> = [
    [from.coreGrpc, to.coreGrpc],
    [from.coreHttp, to.coreHttp],
    [from.agentGrpc, to.agentGrpc],
    [from.pollerGrpc, to.pollerGrpc],
    [from.postgres, to.postgres]
  ]
  return new Map(pairs.filter(([before, now]) => before !== now))
}
