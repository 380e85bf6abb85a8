/** Addresses as Node's resolver and the operating system know them. */
import { Effect, Layer, type Option } from "effect"
import * as dns from "node:dns/promises"
import * as os from "node:os"
import { HostNetwork } from "../../services/monitoring/HostNetwork.ts"

const resolveTimeout = "2 seconds"

const resolve = (name: string): Effect.Effect<Option.Option<string>> =>
  Effect.tryPromise(() => dns.lookup(name, { order: "ipv4first" })).pipe(
    Effect.map(({ address }) => address),
    Effect.timeout(resolveTimeout),
    Effect.option
  )

const addresses = Effect.sync(() =>
  Object.values(os.networkInterfaces())
    .flatMap((entries) => entries ?? [])
    .filter((entry) => entry.family === "IPv4" && !entry.internal)
    .map((entry) => entry.address)
)

export const layer = Layer.succeed(HostNetwork, { resolve, addresses })
