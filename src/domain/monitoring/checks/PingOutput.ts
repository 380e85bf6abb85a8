/**
 * Reads what `ping` (iputils, busybox, BSD) and `fping` 3 to 5 print for some echo requests.
 *
 * A request that is answered twice is answered once: duplicates count neither as replies nor in the round trip, and no
 * loss is below zero. The tools' own percentages are not used, because with duplicates they are wrong. The tools print
 * the C locale's decimals only when asked to; the caller runs them with `LC_ALL=C`.
 */
import { Option } from "effect"
import type { Ping } from "./ProbeResult.ts"

/** `64 bytes from …: icmp_seq=1 ttl=64 time=0.041 ms`; old versions round small times to `time<1 ms`. */
const replyPattern = /\b(?:icmp_)?seq[=:]? ?(\d+).*?\btime[=<] ?([0-9]+(?:\.[0-9]+)?) ?ms/i
const timePattern = /\btime[=<] ?([0-9]+(?:\.[0-9]+)?) ?ms/
const duplicate = /\(DUP!?\)|duplicate/i
/** `3 packets transmitted, 2 received, +1 duplicates, 33% packet loss`, `… 2 packets received, …` */
const countsPattern = /(\d+) packets? transmitted, (\d+) (?:packets? )?received/

/** `host : [0], 64 bytes, 0.300 ms (0.300 avg, 0% loss)` */
const fpingReplyPattern = /: \[(\d+)\], \d+ bytes, ([0-9.]+) ms/
/** `host : xmt/rcv/%loss = 3/3/0%, min/avg/max = 0.02/0.02/0.02`; `%return` when nothing was lost, in version 3. */
const fpingPattern =
  /xmt\/rcv\/%(?:loss|return) = (\d+)\/(\d+)\/\d+(?:\.\d+)?%(?:, min\/avg\/max = [\d.]+\/([\d.]+)\/[\d.]+)?/

interface Reply {
  readonly sequence: string
  readonly millis: number
}

const nanosOfMillis = (millis: number): bigint => BigInt(Math.round(millis * 1_000_000))

/** Each request's first reply. */
const firstOf = (replies: ReadonlyArray<Reply>): ReadonlyArray<Reply> => {
  const seen = new Set<string>()
  return replies.filter(({ sequence }) => !seen.has(sequence) && seen.add(sequence))
}

const repliesIn = (output: string, pattern: RegExp): ReadonlyArray<Reply> =>
  firstOf(
    output.split("\n").filter((line) => !duplicate.test(line)).flatMap((line) => {
      const [, sequence, millis] = pattern.exec(line) ?? []
      return sequence === undefined || millis === undefined ? [] : [{ sequence, millis: Number(millis) }]
    })
  )

/** To a hundredth of a percent; without a single reply the loss is total. */
const lossOf = (sent: number, received: number): number =>
  received === 0 || sent === 0 ? 100 : Math.round(Math.max(0, sent - received) / sent * 10_000) / 100

const pingOf = (
  sent: number,
  received: number,
  averageMillis: number | undefined,
  times: ReadonlyArray<number>
): Ping => ({
  roundTripNanos: averageMillis === undefined || received === 0 ? 0n : nanosOfMillis(averageMillis),
  packetLoss: lossOf(sent, received),
  sent,
  received: Math.min(sent, received),
  roundTripsNanos: received === 0 ? [] : times.map((millis) => Number(nanosOfMillis(millis)))
})

const average = (millis: ReadonlyArray<number>): number | undefined =>
  millis.length === 0 ? undefined : millis.reduce((sum, one) => sum + one, 0) / millis.length

/** None when the output has no statistics, so nothing was sent: an unknown host, a missing permission. */
export const parsePing = (output: string): Option.Option<Ping> => {
  const counts = countsPattern.exec(output)
  if (counts === null) return Option.none()
  const replies = repliesIn(output, replyPattern)
  const times = replies.length > 0
    ? replies.map(({ millis }) => millis)
    : [...(timePattern.exec(output) ?? [])].slice(1).map(Number)
  // A reply that came too late for the line of its own counts in the statistics alone, and one without a time in neither.
  const received = times.length === 0 ? 0 : Math.max(replies.length, Math.min(Number(counts[1]), Number(counts[2])))
  return Option.some(pingOf(Number(counts[1]), received, average(times), times))
}

/** None as for `parsePing`. */
export const parseFping = (output: string): Option.Option<Ping> => {
  const found = fpingPattern.exec(output)
  if (found === null) return Option.none()
  const [, sent = "0", answers = "0", averageMillis] = found
  const replies = repliesIn(output, fpingReplyPattern)
  const received = replies.length > 0 ? replies.length : Math.min(Number(sent), Number(answers))
  const millis = average(replies.map((one) => one.millis)) ??
    (averageMillis === undefined ? undefined : Number(averageMillis))
  return Option.some(pingOf(Number(sent), received, millis, replies.map((one) => one.millis)))
}

const permission = /not permitted|permission denied|must (?:be|run as) root|are you root|lacking privilege/i

/** Whether the tool may not send here, although another might. */
export const isForbidden = (output: string): boolean => permission.test(output)

/** Whether the tool does not know an option. */
export const isUsage = (output: string): boolean =>
  /^usage:|(?:invalid|unknown|unrecognized|illegal) option|cannot flood|minimal interval|bad (?:timing )?interval/im
    .test(output)

/** The tool's own complaint: why it may not send, else the first line that is no statistics, for the operator. */
export const complaint = (output: string): string => {
  const lines = output.split("\n").map((line) => line.trim()).filter((line) => line !== "")
  return lines.find(isForbidden)
    ?? lines.find((line) => /^(?:ping|fping)[^:]*:|unknown host|not known|unreachable/i.test(line))
    ?? lines.at(-1)
    ?? "no output"
}
