/** What a channel has for calls with one request over HTTP/2. */
import type { ChannelOptions } from "../../../GrpcChannelOptions.ts"
import * as MessageSize from "../../../MessageSize.ts"
import { isDirect } from "../../../Proxy.ts"
import * as Defaults from "../ChannelDefaults.ts"
import * as Endpoint from "./Endpoint.ts"
import { Http2Connection } from "./Http2Connection.ts"

export interface Http2Transport {
  readonly connection: Http2Connection
  readonly scheme: "http" | "https"
  readonly authority: string
  readonly maxReceiveBytes: number
  readonly maxSendBytes: number
}

const isDirectly = (target: string): boolean => {
  const { env } = process
  return isDirect(target, env) || ["grpc_proxy", "https_proxy", "http_proxy"].every((name) => (env[name] ?? "") === "")
}

/** Undefined where the channel does not ask for it, or where this client does not know the way. */
export const ofChannel = (options: ChannelOptions, target: string): Http2Transport | undefined => {
  const endpoint = Endpoint.ofTarget(target)
  const isUsual = options.refusal === undefined && options.compression === undefined && isDirectly(target)
  if (options.transport !== "http2" || endpoint === undefined || !isUsual) return undefined
  const security = options.credentials?.forSocket(target)
  return {
    connection: new Http2Connection({
      endpoint,
      security,
      timeoutMillis: Defaults.millisOf(options.connectTimeout, Defaults.connectTimeout),
      backoff: {
        from: Defaults.reconnectDelayMin,
        to: options.reconnectDelayMax ?? Defaults.reconnectDelayMax,
        factor: 1.6
      },
      keepalive: {
        everyMillis: Defaults.millisOf(options.keepalive, Defaults.keepaliveInterval),
        timeoutMillis: Defaults.millisOf(options.keepaliveTimeout, Defaults.keepaliveTimeout),
        isWithoutCalls: options.keepaliveWithoutCalls ?? false
      }
    }),
    scheme: security === undefined ? "http" : "https",
    authority: security?.authority ?? Endpoint.authorityOf(target),
    maxReceiveBytes: options.maxReceiveBytes ?? MessageSize.messageBytesMax,
    maxSendBytes: options.maxSendBytes ?? Infinity
  }
}
