/**
 * `icmp`: does the host answer echo requests, and how many of them?
 *
 * Sent by `fping` or `ping`, which carry the privilege for raw sockets that this process should not need; by the second
 * where the first may not. Unlike in the Go agent, host names and IPv6 work, several requests are sent, and the answer is
 * there when the replies are, not after the whole timeout. Of a name with several addresses one that answers is enough.
 */
import { Clock, Duration, Effect, Option, Result } from "effect"
import * as PingOutput from "../../domain/monitoring/checks/PingOutput.ts"
import * as ProbeResult from "../../domain/monitoring/checks/ProbeResult.ts"
import { isIpv6, parseHost } from "../../domain/monitoring/checks/ProbeTarget.ts"
import { PingUnavailable, type Prepare } from "../../services/monitoring/Prober.ts"
import * as Command from "./Command.ts"
import * as Dial from "./Dial.ts"
import type { NameLookup } from "./NameLookup.ts"

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

/** How long one reply is awaited; the program as a whole may take longer. */
const replyTimeout = Duration.seconds(2)
const requests = 3
/** Between two requests; the shortest that `ping` allows everybody. */
const period = Duration.millis(200)
/** Of one name: each costs a process. */
const addressesMax = 4
/** A poller waits 30 s; the program's own limits, which say more about what went wrong, are below it nearly always. */
const timeout = Duration.seconds(28)

interface PingTool {
  readonly file: string
  /** The next are tried when the tool does not know the options of the first. */
  readonly arguments: (host: string) => ReadonlyArray<ReadonlyArray<string>>
  readonly parse: (output: string) => Option.Option<ProbeResult.Ping>
}

const familyFlag = (host: string): ReadonlyArray<string> => isIpv6(host) ? ["-6"] : []

const fping = (file: string): PingTool => ({
  file,
  // Not quiet (-q): it would keep to itself why it could not send.
  arguments: (host) => {
    const args = ["-c", `${requests}`, "-p", `${Duration.toMillis(period)}`, "-t", `${Duration.toMillis(replyTimeout)}`]
    // Version 3 has a program of its own for IPv6, and 4 finds the family by itself.
    return [[...familyFlag(host), ...args, host], [...args, host]]
  },
  parse: PingOutput.parseFping
})

const ping = (file: string): PingTool => ({
  file,
  arguments: (host) => {
    const args = [...familyFlag(host), "-n", "-c", `${requests}`, "-W", `${Duration.toSeconds(replyTimeout)}`]
    return [[...args, "-i", `${Duration.toSeconds(period)}`, host], [...args, host]]
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
const printed = Effect.fnUntraced(function*(commands: Command.Commands, tool: PingTool, host: string) {
  let output = ""
  for (const args of tool.arguments(host)) {
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
  host: string
): Effect.fn.Return<Result.Result<ProbeResult.Ping, string>> {
  let complaint = ""
  for (const tool of tools) {
    const output = yield* Effect.result(printed(commands, tool, host))
    if (Result.isFailure(output)) return Result.fail(output.failure.message)
    const parsed = tool.parse(output.success)
    if (Option.isSome(parsed)) return Result.succeed(parsed.value)
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

export const prepare = (options: IcmpOptions): Prepare =>
  Effect.fnUntraced(function*(request) {
    const isOwnHost = request.details.trim() === ""
    const host = isOwnHost ? "127.0.0.1" : yield* Effect.fromResult(parseHost("icmp", request.details))
    const identity = isOwnHost
      ? { agentId: request.agentId, pollerId: request.pollerId, deviceId: `${options.partition}:${options.hostIp}` }
      : undefined
    const commands = options.commands ?? (yield* Command.make())
    const tools = yield* findTools(options.path)
    const failed = (reason: string) => ProbeResult.failed(`ICMP scan failed: ${host}: ${reason}`)

    /** The first address that answers, or what became of the first. */
    const addresses = isOwnHost ? Effect.succeed([{ address: host, family: 4 }]) : options.names.resolve(host)
    const ask = addresses.pipe(
      Effect.flatMap((addresses) =>
        Effect.forEach(
          Dial.interleave(addresses).slice(0, addressesMax),
          ({ address }): Effect.Effect<Answer> =>
            Effect.map(send(commands, tools, address), (sent) => ({ address, sent })),
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
        const { address, sent } = (yield* ask) ?? { address: "", sent: Result.fail("the name has no address") }
        const elapsedNanos = (yield* Clock.monotonicTimeNanos) - startedNanos
        return Result.match(sent, {
          onSuccess: (reply) => ProbeResult.pinged(host, address, reply, identity),
          onFailure: (reason) => ({ ...failed(reason), responseTimeNanos: elapsedNanos })
        })
      })
    }
  })
