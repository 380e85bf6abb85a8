/** What a channel does unless told. */
import { Duration } from "effect"

export const deadline = Duration.seconds(30)
/** The least that gRPC grants an attempt (connection-backoff.md). */
export const connectTimeout = Duration.seconds(20)
export const keepaliveInterval = Duration.minutes(2)
export const keepaliveTimeout = Duration.seconds(20)
export const reconnectDelayMin = Duration.millis(200)
export const reconnectDelayMax = Duration.seconds(1)

export const millisOf = (given: Duration.Input | undefined, orElse: Duration.Duration): number =>
  Duration.toMillis(given === undefined ? orElse : Duration.fromInputUnsafe(given))
