/**
 * `icmp`: does the host answer echo requests, and how many of them?
 *
 * Sent by `fping` or `ping`, which carry the privilege for raw sockets that this process should not need; by the second
 * where the first may not. Unlike in the Go agent, host names and IPv6 work, several requests are sent, and the answer is
 * there when the replies are, not after the whole timeout. Of a name with several addresses one that answers is enough.
 */
import { Clock, Duration, Effect, Option, Result, Schema } from "effect"
import { GoDuration } from "../../domain/config/GoDuration.ts"
import * as Details from "../../domain/monitoring/checks/details/Details.ts"
import * as Payload from "../../domain/monitoring/checks/details/Payload.ts"
import * as PingOutput from "../../domain/monitoring/checks/PingOutput.ts"
import * as ProbeResult from "../../domain/monitoring/checks/ProbeResult.ts"
import { isIpv6, parseHost } from "../../domain/monitoring/checks/ProbeTarget.ts"
import { PingUnavailable, type Prepare } from "../../services/monitoring/Prober.ts"
import * as Command from "./Command.ts"
import * as Dial from "./Dial.ts"
import type { NameLookup } from "./NameLookup.ts"
import type { Kind } from "./ProbeKit.ts"

export interface IcmpOptions {
  readonly names: NameLookup
  /** Shared with other probes; without it every checker has limits of its own. */
  readonly commands?: Command.Commands
  /** The folders to look for the programs in, in the form of PATH. */
  readonly path: string | undefined
  /** The partition and address of this host, for checks that name no host. */
  readonly partition: string
  readonly hostIp: string
}

/** The shortest time between two requests that `ping` allows everybody. */
const intervalMin = Duration.millis(200)
/** Of all requests and the last reply; the programs themselves are stopped after 5 s. */
const spanMax = Duration.seconds(4.5)

const Host = Schema.String.check(
  Schema.makeFilter((text: string) =>
    Result.match(parseHost("icmp", text), {
      onSuccess: () => undefined,
      onFailure: ({ expected }) => `expected ${expected}`
    })
  )
)

const Target = Schema.Struct({
  host: Details.required(Host, "a name or an address", { shows: "whole" }),
  count: Details.orElse(
    Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 20 })),
    3,
    "how many requests are sent",
    { shows: "whole" }
  ),
  interval: Details.orElse(GoDuration, intervalMin, "between two requests, at least 200 ms", { shows: "whole" }),
  replyTimeout: Details.orElse(
    GoDuration,
    Duration.seconds(2),
    "how long one reply is awaited; with all intervals at most 4.5 s",
    { shows: "whole" }
  ),
  family: Details.optional(Schema.Literals(["ipv4", "ipv6"]), "only addresses of this family", { shows: "whole" }),
  lossPercentMax: Details.optional(
    Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 100 })),
    "not available when more is lost; without it one reply is enough",
    { shows: "whole" }
  ),
  roundTripMax: Details.optional(GoDuration, "not available when the average round trip is longer", { shows: "whole" })
}).check(
  Schema.makeFilter(({ count, interval, replyTimeout }) => {
    if (Duration.isLessThan(interval, intervalMin)) return "interval: expected at least 200ms"
    const span = Duration.sum(Duration.times(interval, count - 1), replyTimeout)
    return Duration.isGreaterThan(span, spanMax)
      ? `expected count, interval and replyTimeout that together take at most ${Duration.format(spanMax)}`
      : undefined
  })
)
type Target = typeof Target.Type

const payload = Schema.Struct({
  host: Payload.text("as configured"),
  packet_loss: Payload.measure("percent", "of the requests, 0 to 100"),
  available: Payload.flag("whether the host answers as expected"),
  packets_sent: Payload.measure("count", "requests"),
  packets_received: Payload.measure("count", "requests that were answered"),
  round_trip_min: Payload.measure("ns", "the shortest round trip"),
  round_trip_max: Payload.measure("ns", "the longest"),
  round_trip_deviation: Payload.measure("ns", "how far they are from their average, on average"),
  tool: Payload.text("the program that sent the requests: `fping` or `ping`"),
  address: Payload.text("the one that answered, where the host is a name"),
  agent_id: Payload.text("without a host: of the agent"),
  poller_id: Payload.text("without a host: of the poller"),
  device_id: Payload.text("without a host: partition and address of the agent's host"),
  ...Payload.common,
  response_time: Payload.measure("ns", "the average round trip; 0 without replies")
})

const format: Details.Format<Target> = {
  serviceType: "icmp",
  schema: Target,
  bare: (host) => Result.succeed({ host }),
  bareForm: "a host name, an IPv4 address or an IPv6 address without port"
}
const parse = Details.parse(format)

/** The agent's own host, where none is named. */
const ownHost = parse("127.0.0.1")

/** Of one name: each costs a process. */
const addressesMax = 4
/** A poller waits 30 s; the program's own limits, which say more about what went wrong, are below it nearly always. */
const timeout = Duration.seconds(28)

interface PingTool {
  readonly name: "fping" | "ping"
  readonly file: string
  /** The next are tried when the tool does not know the options of the first. */
  readonly arguments: (target: Target, host: string) => ReadonlyArray<ReadonlyArray<string>>
  readonly parse: (output: string) => Option.Option<ProbeResult.Ping>
}

const familyFlag = (host: string): ReadonlyArray<string> => isIpv6(host) ? ["-6"] : []

const fping = (file: string): PingTool => ({
  name: "fping",
  file,
  // Not quiet (-q): it would keep to itself why it could not send.
  arguments: ({ count, interval, replyTimeout }, host) => {
    const args = ["-c", `${count}`, "-p", `${Duration.toMillis(interval)}`, "-t", `${Duration.toMillis(replyTimeout)}`]
    // Version 3 has a program of its own for IPv6, and 4 finds the family by itself.
    return [[...familyFlag(host), ...args, host], [...args, host]]
  },
  parse: PingOutput.parseFping
})

const ping = (file: string): PingTool => ({
  name: "ping",
  file,
  arguments: ({ count, interval, replyTimeout }, host) => {
    // Whole seconds are what every `ping` understands.
    const wait = Math.max(1, Math.ceil(Duration.toSeconds(replyTimeout)))
    const args = [...familyFlag(host), "-n", "-c", `${count}`, "-W", `${wait}`]
    return [[...args, "-i", `${Duration.toSeconds(interval)}`, host], [...args, host]]
  },
  parse: PingOutput.parsePing
})

/** Looks anew for every checker, so that installing a tool needs no restart. */
export const findTools = Effect.fnUntraced(function*(pathVariable: string | undefined) {
  const folders = Command.searchPath(pathVariable)
  const fpingFile = yield* Command.find("fping", folders)
  const pingFile = yield* Command.find("ping", folders)
  const tools = [...Option.toArray(Option.map(fpingFile, fping)), ...Option.toArray(Option.map(pingFile, ping))]
  if (tools.length === 0) return yield* new PingUnavailable({ searched: folders })
  return tools
})

/** What a tool prints, with the options that it knows. */
const printed = Effect.fnUntraced(function*(
  commands: Command.Commands,
  tool: PingTool,
  target: Target,
  host: string
) {
  let output = ""
  for (const args of tool.arguments(target, host)) {
    const { exitCode, stderr, stdout } = yield* commands.run(tool.file, args)
    output = `${stdout}\n${stderr}`
    if (exitCode === 0 || !PingOutput.isUsage(output)) return output
  }
  return output
})

/** The replies, or the tool's complaint when it could not even send. */
const send = Effect.fnUntraced(function*(
  commands: Command.Commands,
  tools: ReadonlyArray<PingTool>,
  target: Target,
  host: string
): Effect.fn.Return<Result.Result<ProbeResult.Ping, string>> {
  let complaint = ""
  for (const tool of tools) {
    const output = yield* Effect.result(printed(commands, tool, target, host))
    if (Result.isFailure(output)) return Result.fail(output.failure.message)
    const parsed = tool.parse(output.success)
    if (Option.isSome(parsed)) return Result.succeed({ ...parsed.value, tool: tool.name })
    complaint = complaint === "" ? PingOutput.complaint(output.success) : complaint
    if (!PingOutput.isForbidden(output.success)) break
  }
  return Result.fail(complaint)
})

interface Answer {
  readonly address: string
  readonly sent: Result.Result<ProbeResult.Ping, string>
}

const isUp = ({ sent }: Answer): boolean => Result.isSuccess(sent) && sent.success.packetLoss < 100

/** What of the replies is not as expected; that there are none at all is told as such. */
const complaintOf = ({ lossPercentMax, roundTripMax }: Target, ping: ProbeResult.Ping): string | undefined => {
  if (ping.packetLoss === 100) return "no reply"
  if (lossPercentMax !== undefined && ping.packetLoss > lossPercentMax) {
    return `${ping.packetLoss} % of the requests are lost, at most ${lossPercentMax} are expected`
  }
  const roundTrip = Duration.nanos(ping.roundTripNanos)
  return roundTripMax !== undefined && Duration.isGreaterThan(roundTrip, roundTripMax)
    ? `the average round trip is ${Duration.format(roundTrip)}, at most ${Duration.format(roundTripMax)} is expected`
    : undefined
}

const familyOf = (target: Target): number | undefined =>
  target.family === undefined ? undefined : target.family === "ipv6" ? 6 : 4

export const prepare = (options: IcmpOptions): Prepare =>
  Effect.fnUntraced(function*(request) {
    const isOwnHost = request.details.trim() === ""
    const target = yield* Effect.fromResult(isOwnHost ? ownHost : parse(request.details))
    const host = yield* Effect.fromResult(parseHost("icmp", target.host))
    const family = familyOf(target)
    const identity = isOwnHost
      ? { agentId: request.agentId, pollerId: request.pollerId, deviceId: `${options.partition}:${options.hostIp}` }
      : undefined
    const commands = options.commands ?? (yield* Command.make())
    const tools = yield* findTools(options.path)
    const failed = (reason: string) => ProbeResult.failed(`ICMP scan failed: ${host}: ${reason}`)

    /** The first address that answers, or what became of the first. */
    const addresses = isOwnHost ? Effect.succeed([{ address: host, family: 4 }]) : options.names.resolve(host)
    const ask = addresses.pipe(
      Effect.map((found) => found.filter((one) => family === undefined || one.family === family)),
      Effect.flatMap((addresses) =>
        Effect.forEach(
          Dial.interleave(addresses).slice(0, addressesMax),
          ({ address }): Effect.Effect<Answer> =>
            Effect.map(send(commands, tools, target, address), (sent) => ({ address, sent })),
          { concurrency: "unbounded" }
        )
      ),
      Effect.map((answers) => answers.find(isUp) ?? answers[0]),
      Effect.catch(({ reason }) => Effect.succeed({ address: "", sent: Result.fail(reason) }))
    )

    return {
      timeout,
      failed,
      check: Effect.gen(function*() {
        const startedNanos = yield* Clock.monotonicTimeNanos
        const { address, sent } = (yield* ask) ?? {
          address: "",
          sent: Result.fail(`the name has no ${target.family ?? ""} address`.replace("  ", " "))
        }
        const elapsedNanos = (yield* Clock.monotonicTimeNanos) - startedNanos
        return Result.match(sent, {
          onSuccess: (reply) => ProbeResult.pinged(host, address, reply, identity, complaintOf(target, reply)),
          onFailure: (reason) => ({ ...failed(reason), responseTimeNanos: elapsedNanos })
        })
      })
    }
  })

export const kind: Kind = {
  about: "Does a host answer echo requests, how many of them, and how fast?",
  notes:
    "Without details it is the agent's own host. The requests are sent by `fping` or `ping`, which have to be installed.",
  details: { bareForm: format.bareForm, schema: Target },
  payload,
  examples: [
    { details: "192.0.2.1", about: "Does it answer at least one of three requests?" },
    {
      details:
        "{\"host\":\"router.example.org\",\"count\":10,\"lossPercentMax\":20,\"roundTripMax\":\"50ms\",\"family\":\"ipv6\"}",
      about: "Does it answer eight of ten requests over IPv6, in 50 ms on average?"
    }
  ],
  prepare: ({ commands, config, hostIp, names, path }) =>
    prepare({ commands, hostIp, names, partition: config.partition, path })
}
