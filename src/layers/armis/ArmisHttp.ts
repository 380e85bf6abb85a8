/** HTTP to one Armis: it is usually beyond the local network, so through the proxy that the environment names. */
import { Effect } from "effect"
import * as SecretText from "../../domain/config/SecretText.ts"
import type { SourceConfig } from "../../domain/sync/SyncConfig.ts"
import * as Proxy from "../grpc/Proxy.ts"
import * as SourceHttp from "../sync/sources/SourceHttp.ts"

export const make = Effect.fnUntraced(function*(config: SourceConfig) {
  const proxy = Proxy.ofAddress(config.endpoint, process.env)
  if (proxy !== undefined && !URL.canParse(proxy)) {
    yield* Effect.logWarning(
      `Source ${config.name} is asked directly: the environment names the proxy "${SecretText.inAddress(proxy)}", ` +
        "expected an address such as \"http://proxy.example.net:3128\""
    )
  }
  return yield* SourceHttp.make({ ...config, proxy })
})
