/**
 * Reads what `ping` (iputils, busybox, BSD) and `fping` print for one or more echo requests.
 *
 * The tools print the C locale's decimals only when asked to; the caller runs them with `LC_ALL=C`.
 */
import { Option } from "effect"
import type { Ping } from "./ProbeOutcome.ts"

/** `64 bytes from …: icmp_seq=1 ttl=64 time=0.041 ms`; old versions round small times to `time<1 ms`. */
const replyPattern = /\btime[=<]([0-9]+(?:\.[0-9]+)?) ?ms/g
const lossPattern = /([0-9]+(?:\.[0-9]+)?)% packet loss/
/** `host : xmt/rcv/%loss = 1/1/0%, min/avg/max = 0.02/0.02/0.02` */
const fpingPattern = /xmt\/rcv\/%loss = \d+\/\d+\/(\d+(?:\.\d+)?)%(?:, min\/avg\/max = [\d.]+\/([\d.]+)\/[\d.]+)?/

const nanosOfMillis = (text: string): bigint => BigInt(Math.round(Number(text) * 1_000_000))

/** None when the output has no statistics, so nothing was sent: an unknown host, a missing permission. */
export const parsePing = (output: string): Option.Option<Ping> => {
  const loss = lossPattern.exec(output)?.[1]
  if (loss === undefined) return Option.none()
  const times = [...output.matchAll(replyPattern)].map((found) => found[1] ?? "0").map(nanosOfMillis)
  const total = times.reduce((sum, nanos) => sum + nanos, 0n)
  return Option.some({
    roundTripNanos: times.length === 0 ? 0n : total / BigInt(times.length),
    // Without a single reply the loss is total, whatever rounding made of it.
    packetLoss: times.length === 0 ? 100 : Number(loss)
  })
}

/** None as for `parsePing`. */
export const parseFping = (output: string): Option.Option<Ping> => {
  const found = fpingPattern.exec(output)
  if (found === null) return Option.none()
  const [, loss = "100", averageMillis] = found
  return Option.some({
    roundTripNanos: averageMillis === undefined ? 0n : nanosOfMillis(averageMillis),
    packetLoss: Number(loss)
  })
}

/** The tool's own complaint: the last line that is not statistics, for the operator. */
export const complaint = (output: string): string => {
  const lines = output.split("\n").map((line) => line.trim()).filter((line) => line !== "")
  return lines.find((line) => /^(?:ping|fping)[^:]*:|unknown host|not known|not permitted|unreachable/i.test(line))
    ?? lines.at(-1)
    ?? "no output"
}
