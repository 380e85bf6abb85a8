/** A client of grpc-js with the options of a channel. */
import * as grpc from "@grpc/grpc-js"
import { Duration } from "effect"
import type { ChannelOptions } from "../../GrpcChannelOptions.ts"
import * as MessageSize from "../../MessageSize.ts"
import { isDirect } from "../../Proxy.ts"
import * as Defaults from "./ChannelDefaults.ts"
import { withRefusal } from "./JudgedResolver.ts"
import * as RepeatedMetadata from "./RepeatedMetadata.ts"
import { WatchedCredentials } from "./SettingsWatch.ts"
import * as Target from "./Target.ts"
import { withZone } from "./ZoneResolver.ts"

const algorithms = {
  gzip: grpc.compressionAlgorithms.gzip,
  deflate: grpc.compressionAlgorithms.deflate
}

/** grpc-js's timers know no infinity and no more than 32 bits. */
const timerMillis = (given: Duration.Input | undefined, orElse: Duration.Duration): number => {
  const millis = Defaults.millisOf(given, orElse)
  return Number.isFinite(millis) ? Math.min(millis, 2 ** 31 - 1) : -1
}

export const clientOptions = (options: ChannelOptions): grpc.ClientOptions => ({
  "grpc.max_receive_message_length": options.maxReceiveBytes ?? MessageSize.messageBytesMax,
  "grpc.max_send_message_length": options.maxSendBytes ?? -1,
  "grpc.keepalive_time_ms": timerMillis(options.keepalive, Defaults.keepaliveInterval),
  "grpc.keepalive_timeout_ms": timerMillis(options.keepaliveTimeout, Defaults.keepaliveTimeout),
  "grpc.keepalive_permit_without_calls": options.keepaliveWithoutCalls === true ? 1 : 0,
  "grpc.initial_reconnect_backoff_ms": Duration.toMillis(Defaults.reconnectDelayMin),
  "grpc.max_reconnect_backoff_ms": Duration.toMillis(options.reconnectDelayMax ?? Defaults.reconnectDelayMax),
  // One connection per channel: a channel that is closed takes its connection along, whoever else dials that peer.
  "grpc.use_local_subchannel_pool": 1,
  // Only what the peer has surely not seen is sent again, such as a stream refused at the end of a connection's age.
  // Anything else is the caller's decision: no retry policy can come in, for service configs are not looked up.
  "grpc.enable_retries": 1,
  // Counters of grpc-js's own debugging service: memory per channel that nothing here reads.
  "grpc.enable_channelz": 0,
  "grpc.service_config_disable_resolution": 1,
  "grpc.secondary_user_agent": RepeatedMetadata.userAgent,
  ...(options.compression === undefined
    ? {}
    : { "grpc.default_compression_algorithm": algorithms[options.compression] }),
  ...(isDirect(Target.normalize(options.target), process.env) ? { "grpc.enable_http_proxy": 0 } : {})
})

export const dial = (options: ChannelOptions, target: string): grpc.Client => {
  const security = options.credentials?.forTarget(target)
  const credentials = new WatchedCredentials(
    security?.channel ?? grpc.credentials.createInsecure(),
    Defaults.millisOf(options.connectTimeout, Defaults.connectTimeout)
  )
  const judged = withRefusal(withZone(target), options.refusal)
  return new grpc.Client(judged.target, credentials, {
    ...security?.options,
    ...clientOptions(options),
    ...judged.options
  })
}
