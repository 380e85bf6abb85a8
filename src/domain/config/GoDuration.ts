/**
 * Durations as the Go services write them in JSON.
 *
 * A string is a sequence of decimal numbers with a unit (`1h30m`, `1.5s`, `-250ms`, bare `0`); a number means
 * nanoseconds. Sub-nanosecond digits are cut off, as Go does. Source: Go `time.ParseDuration`.
 *
 * In a file, less than a millisecond is a number that was meant in another unit (`"poll_interval": 30`): Go takes it and
 * polls without a pause. More than 64 bits of nanoseconds Go refuses.
 */
import { Duration, Effect, Option, Schema, SchemaGetter, SchemaIssue } from "effect"

const nanosPerUnit: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  µs: 1_000n,
  μs: 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n
}

const component = /(\d*)(?:\.(\d*))?(ns|us|µs|μs|ms|s|m|h)/y

/** Nanoseconds of a Go duration string, or none when it is not one. */
export const parseNanos = (text: string): Option.Option<bigint> => {
  const sign = text.startsWith("-") ? -1n : 1n
  const body = text.startsWith("-") || text.startsWith("+") ? text.slice(1) : text
  if (body === "0") return Option.some(0n)
  if (body === "") return Option.none()
  let total = 0n
  component.lastIndex = 0
  while (component.lastIndex < body.length) {
    const found = component.exec(body)
    if (found === null) return Option.none()
    const [, whole = "", fraction = "", unit = ""] = found
    const unitNanos = nanosPerUnit[unit]
    if (unitNanos === undefined || (whole === "" && fraction === "")) return Option.none()
    total += BigInt(whole === "" ? "0" : whole) * unitNanos
    if (fraction !== "") total += BigInt(fraction) * unitNanos / 10n ** BigInt(fraction.length)
  }
  return Option.some(sign * total)
}

/** Go's form of a duration: `30s`, `5m0s`, `18h0m0s`, `1.5s`, `250ms`, `0s`. */
export const format = (duration: Duration.Duration): string => {
  const nanos = Option.getOrElse(Duration.toNanos(duration), () => 0n)
  if (nanos < 0n) return "-" + formatNanos(-nanos)
  return formatNanos(nanos)
}

const decimal = (nanos: bigint, unitNanos: bigint): string => {
  const whole = nanos / unitNanos
  const rest = nanos % unitNanos
  if (rest === 0n) return whole.toString()
  const digits = unitNanos.toString().length - 1
  return `${whole}.${rest.toString().padStart(digits, "0").replace(/0+$/, "")}`
}

const formatNanos = (nanos: bigint): string => {
  if (nanos === 0n) return "0s"
  if (nanos < 1_000n) return `${nanos}ns`
  if (nanos < 1_000_000n) return `${decimal(nanos, 1_000n)}µs`
  if (nanos < 1_000_000_000n) return `${decimal(nanos, 1_000_000n)}ms`
  const hours = nanos / 3_600_000_000_000n
  const minutes = (nanos / 60_000_000_000n) % 60n
  const seconds = `${decimal(nanos % 60_000_000_000n, 1_000_000_000n)}s`
  if (hours > 0n) return `${hours}h${minutes}m${seconds}`
  return minutes > 0n ? `${minutes}m${seconds}` : seconds
}

const nanosMin = 1_000_000n
const nanosMax = 2n ** 63n - 1n

const isSensible = (nanos: bigint): boolean => nanos === 0n || (nanos >= nanosMin && nanos <= nanosMax)

/** Decodes a Go duration (string, or number of nanoseconds) of 0 or at least a millisecond; encodes to Go's string form. */
export const GoDuration = Schema.Union([Schema.String, Schema.Finite]).pipe(
  Schema.decodeTo(Schema.Duration, {
    decode: SchemaGetter.transformEffect((input: string | number, options) => {
      const nanos = typeof input === "number"
        ? (Number.isInteger(input) ? Option.some(BigInt(input)) : Option.none())
        : parseNanos(input)
      const sensible = Option.filter(nanos, isSensible)
      if (Option.isSome(sensible)) return Effect.succeed(Duration.nanos(sensible.value))
      const expectation = Option.exists(nanos, (value) => value > 0n && value < nanosMin)
        ? "a duration of at least 1ms, such as \"30s\"; a number alone is of nanoseconds"
        : "a duration such as \"30s\" or \"1h30m\", or a number of nanoseconds"
      const message = `Expected ${expectation}, got ${JSON.stringify(input)}`
      return Effect.fail(new SchemaIssue.InvalidValue({ message }, input, options))
    }),
    encode: SchemaGetter.transform(format)
  })
)
