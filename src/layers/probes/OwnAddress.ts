/** The address of this host that is put into payloads when the configuration names none. */
import * as os from "node:os"

/** The first IPv4 address that is not the loopback's; the loopback's on a host without a network. */
export const detect = (): string =>
  Object.values(os.networkInterfaces()).flatMap((addresses) => addresses ?? [])
    .find((one) => one.family === "IPv4" && !one.internal)?.address ?? "127.0.0.1"
