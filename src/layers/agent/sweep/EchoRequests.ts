/**
 * Echo requests to many hosts, by `fping`, a program for a whole block of hosts; by `ping`, a program for each host, where
 * there is no `fping` or it may not send.
 *
 * One request each, as the Go agent sends them; unlike there, a host whose reply is in flight while others are read is not
 * lost.
 */
import { Duration, Effect, Option, Result } from "effect"
import * as FpingLines from "../../../domain/agent/sweep/FpingLines.ts"
import * as PingOutput from "../../../domain/monitoring/checks/PingOutput.ts"
import { isIpv6 } from "../../../domain/monitoring/checks/ProbeTarget.ts"
import { type Answers, ScanFailed, type ScanOptions } from "../../../services/agent/sweep/SweepScanner.ts"
import * as Command from "../../probes/Command.ts"

type Pings = Answers["pings"]

export interface EchoRequests {
  /** The program; says why there is none. */
  readonly by: string
  readonly send: (hosts: ReadonlyArray<string>) => Effect.Effect<Pings, ScanFailed>
}

/** Programs at once: while one waits for the last replies of its hosts, others send. */
const fpingsMax = 8
const pingsMax = 32
/** Beyond what the requests and replies take. */
const slack = Duration.seconds(10)
/** Hosts given to one `fping`; its arguments stay well below what a system allows. */
const hostsMax = 256
/** What `fping` allows users that are not root. */
const intervalMillisMin = 1

const failed = ({ message }: { readonly message: string }) => new ScanFailed({ reason: message })

const fping = (file: string, options: ScanOptions) =>
  Effect.gen(function*() {
    const intervalMillis = Math.max(intervalMillisMin, Math.round(fpingsMax * 1000 / options.icmpRatePerSecond))
    const timeoutMillis = Math.max(1, Math.round(Duration.toMillis(options.timeout)))
    const run = Duration.sum(Duration.millis(hostsMax * intervalMillis + timeoutMillis), slack)
    // Whoever waits here waits for others of the same sweep, which may take long.
    const commands = yield* Command.make({ atOnceMax: fpingsMax, wait: Duration.hours(24), run })
    const args = ["-C", "1", "-q", "-r", "0", "-t", `${timeoutMillis}`, "-i", `${intervalMillis}`]
    return (hosts: ReadonlyArray<string>) =>
      Effect.gen(function*() {
        const { stderr, stdout } = yield* Effect.mapError(commands.run(file, [...args, ...hosts]), failed)
        const output = `${stdout}\n${stderr}`
        if (!FpingLines.isReport(output)) return Result.fail(PingOutput.complaint(output))
        const places = new Map(hosts.map((host, place) => [host, place]))
        const pings: Pings = FpingLines.answered(output).flatMap(({ address, nanos }) => {
          const place = places.get(address)
          return place === undefined ? [] : [[place, nanos, 0]]
        })
        return Result.succeed(pings)
      })
  })

const ping = (file: string, options: ScanOptions) =>
  Effect.gen(function*() {
    const wait = Math.max(1, Math.ceil(Duration.toSeconds(options.timeout)))
    const run = Duration.sum(Duration.seconds(wait), slack)
    const commands = yield* Command.make({ atOnceMax: pingsMax, wait: Duration.hours(24), run })
    const one = (host: string, place: number) =>
      Effect.gen(function*() {
        const family = isIpv6(host) ? ["-6"] : []
        const args = [...family, "-n", "-c", "1", "-W", `${wait}`, host]
        const { stderr, stdout } = yield* Effect.mapError(commands.run(file, args), failed)
        const output = `${stdout}\n${stderr}`
        const parsed = PingOutput.parsePing(output)
        if (Option.isNone(parsed) && PingOutput.isForbidden(output)) {
          return yield* new ScanFailed({ reason: PingOutput.complaint(output) })
        }
        const answered = Option.filter(parsed, ({ packetLoss }) => packetLoss < 100)
        return Option.toArray(Option.map(answered, ({ roundTripNanos }): Pings[number] => [
          place,
          Number(roundTripNanos),
          0
        ]))
      })
    return (hosts: ReadonlyArray<string>) =>
      Effect.map(Effect.forEach(hosts, one, { concurrency: pingsMax }), (all) => all.flat())
  })

/** Without a program no host answers echo requests, which `by` explains; the ports are swept all the same. */
export const open = Effect.fnUntraced(function*(path: string | undefined, options: ScanOptions) {
  const folders = Command.searchPath(path)
  const fpingFile = yield* Command.find("fping", folders)
  const pingFile = yield* Command.find("ping", folders)
  const pings = Option.isSome(pingFile) ? yield* ping(pingFile.value, options) : undefined
  const silent: EchoRequests = {
    by: "no program: neither fping nor ping is installed",
    send: () => Effect.succeed([])
  }
  const byPing: EchoRequests = pings === undefined ? silent : { by: "ping", send: pings }
  if (Option.isNone(fpingFile)) return byPing
  const fpings = yield* fping(fpingFile.value, options)
  // The first answer decides: what may not send once may not send later.
  const trial = yield* fpings(["127.0.0.1"])
  if (Result.isFailure(trial)) {
    yield* Effect.logWarning(`fping cannot be used for the sweep, ${byPing.by} is: ${trial.failure}`)
    return byPing
  }
  const byFping: EchoRequests = {
    by: "fping",
    send: (hosts) =>
      Effect.flatMap(
        fpings(hosts),
        (sent) =>
          Result.isSuccess(sent) ? Effect.succeed(sent.success) : Effect.fail(new ScanFailed({ reason: sent.failure }))
      )
  }
  return byFping
})
