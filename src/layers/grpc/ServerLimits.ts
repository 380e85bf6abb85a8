/**
 * What one server gives its peers at most, and how long it waits for the slow ones.
 *
 * Each has a variable; counts are whole numbers, times are as Go writes them (`30s`, `2m`). A value that cannot be read is
 * warned about and ignored: a typing error must not keep a server down.
 */
import { Config, Duration, Effect, Option } from "effect"

export interface ServerLimits {
  /** Connections in all; none: what the limit of open files leaves. */
  readonly connections: Option.Option<number>
  /** Connections of one address; none: half of all, 1,024 at most. */
  readonly connectionsPerPeer: Option.Option<number>
  /** Calls of one connection at the same time; further ones wait at the client. */
  readonly streamsPerConnection: number
  /** Until a connection has come to terms: TLS, and the first frame of HTTP/2. */
  readonly handshake: Duration.Duration
  /** Until the only request of a call is here; requests of a stream may take their time. */
  readonly request: Duration.Duration
  /** Until a client reads what is there for it, or 256 KiB of it. */
  readonly reader: Duration.Duration
  /** Until a connection without calls is closed. */
  readonly idle: Duration.Duration
}

export const defaults: ServerLimits = {
  connections: Option.none(),
  connectionsPerPeer: Option.none(),
  streamsPerConnection: 1_000,
  handshake: Duration.seconds(20),
  request: Duration.seconds(30),
  reader: Duration.minutes(1),
  idle: Duration.minutes(10)
}

const countMax = 1_000_000

const count = (text: string): Option.Option<number> =>
  /^[1-9]\d{0,6}$/.test(text) && Number(text) <= countMax ? Option.some(Number(text)) : Option.none()

const units: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }
const millisMax = 86_400_000

const duration = (text: string): Option.Option<Duration.Duration> => {
  const [, digits, unit = ""] = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text) ?? []
  const millis = Number(digits) * (units[unit] ?? Number.NaN)
  return millis > 0 && millis <= millisMax ? Option.some(Duration.millis(millis)) : Option.none()
}

const read = Effect.fnUntraced(function*<A>(name: string, parse: (text: string) => Option.Option<A>, example: string) {
  const text = yield* Config.option(Config.String(name)).pipe(Effect.orElseSucceed(() => Option.none<string>()))
  const given = Option.filter(Option.map(text, (one) => one.trim()), (one) => one !== "")
  if (Option.isNone(given)) return Option.none<A>()
  const value = parse(given.value)
  if (Option.isNone(value)) yield* Effect.logWarning(`${name}=${given.value} is not ${example}; it is ignored`)
  return value
})

const whole = (name: string) => read(name, count, `a whole number from 1 to ${countMax}`)

const time = (name: string, byDefault: Duration.Duration) =>
  Effect.map(read(name, duration, "a time up to a day such as 30s or 2m"), Option.getOrElse(() => byDefault))

/** As the environment says. */
export const fromEnvironment: Effect.Effect<ServerLimits> = Effect.all({
  connections: whole("GRPC_MAX_CONNECTIONS"),
  connectionsPerPeer: whole("GRPC_MAX_CONNECTIONS_PER_PEER"),
  streamsPerConnection: Effect.map(
    whole("GRPC_MAX_CONCURRENT_STREAMS"),
    Option.getOrElse(() => defaults.streamsPerConnection)
  ),
  handshake: time("GRPC_HANDSHAKE_TIMEOUT", defaults.handshake),
  request: time("GRPC_REQUEST_TIMEOUT", defaults.request),
  reader: time("GRPC_READER_TIMEOUT", defaults.reader),
  idle: time("GRPC_IDLE_TIMEOUT", defaults.idle)
})
