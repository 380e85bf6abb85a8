/**
 * `icmp`: does the host answer one echo request?
 *
 * Sent by `fping` or `ping`, which carry the privilege for raw sockets that this process should not need. Unlike in the
 * Go agent, host names and IPv6 work, and the answer is there when the reply is, not after the whole timeout.
 */
import { Clock, Duration, Effect, Option, Result } from "effect"
import * as PingOutput from "../../domain/monitoring/checks/PingOutput.ts"
import * as Outcome from "../../domain/monitoring/checks/ProbeOutcome.ts"
import { isIpv6, parseHost } from "../../domain/monitoring/checks/ProbeTarget.ts"
import { PingUnavailable, type Prepare } from "../../services/monitoring/Prober.ts"
import * as Command from "./Command.ts"

export interface IcmpOptions {
  /** Shared with other probes; without it every checker has limits of its own. */
  readonly commands?: Command.Commands
  /** The folders to look for the programs in, in the form of PATH. */
  readonly path: string | undefined
  /** The partition and address of this host, for checks that name no host. */
  readonly partition: string
  readonly hostIp: string
}

/** How long one reply is awaited; the program as a whole may take longer, for the name's resolution. */
const replyTimeout = Duration.seconds(2)
/** Beyond the program's own limits, which say more about what went wrong. */
const slack = Duration.seconds(1)

interface PingTool {
  readonly file: string
  readonly args: (host: string) => ReadonlyArray<string>
  readonly parse: (output: string) => Option.Option<Outcome.Ping>
}

const familyFlag = (host: string): ReadonlyArray<string> => isIpv6(host) ? ["-6"] : []

const fping = (file: string): PingTool => ({
  file,
  // Not quiet (-q): it would keep to itself why it could not send.
  args: (host) => [...familyFlag(host), "-c", "1", "-t", `${Duration.toMillis(replyTimeout)}`, host],
  parse: PingOutput.parseFping
})

const ping = (file: string): PingTool => ({
  file,
  args: (host) => [...familyFlag(host), "-n", "-c", "1", "-W", `${Duration.toSeconds(replyTimeout)}`, host],
  parse: PingOutput.parsePing
})

/** Looks anew for every checker, so that installing a tool needs no restart. */
export const findTool = Effect.fnUntraced(function*(pathVariable: string | undefined) {
  const folders = Command.searchPath(pathVariable)
  const fpingFile = yield* Command.find("fping", folders)
  if (Option.isSome(fpingFile)) return fping(fpingFile.value)
  const pingFile = yield* Command.find("ping", folders)
  if (Option.isSome(pingFile)) return ping(pingFile.value)
  return yield* new PingUnavailable({ searched: folders })
})

/** The reply, or the tool's complaint when it could not even send. */
const send = (
  commands: Command.Commands,
  tool: PingTool,
  host: string
): Effect.Effect<Result.Result<Outcome.Ping, string>> =>
  commands.run(tool.file, tool.args(host)).pipe(
    Effect.match({
      onFailure: (error) => Result.fail(error.message),
      onSuccess: ({ stdout, stderr }) => {
        const output = `${stdout}\n${stderr}`
        return Result.fromOption(tool.parse(output), () => PingOutput.complaint(output))
      }
    })
  )

export const prepare = (options: IcmpOptions): Prepare =>
  Effect.fnUntraced(function*(request) {
    const isOwnHost = request.details.trim() === ""
    const host = isOwnHost ? "127.0.0.1" : yield* Effect.fromResult(parseHost("icmp", request.details))
    const identity = isOwnHost
      ? { agentId: request.agentId, pollerId: request.pollerId, deviceId: `${options.partition}:${options.hostIp}` }
      : undefined
    const commands = options.commands ?? (yield* Command.make())
    const tool = yield* findTool(options.path)
    const failed = (reason: string) => Outcome.failed(`ICMP scan failed: ${host}: ${reason}`)
    return {
      timeout: Duration.sum(commands.timeMax, slack),
      failed,
      check: Effect.gen(function*() {
        const startedNanos = yield* Clock.monotonicTimeNanos
        const sent = yield* send(commands, tool, host)
        const elapsedNanos = (yield* Clock.monotonicTimeNanos) - startedNanos
        return Result.match(sent, {
          onSuccess: (reply) => Outcome.pinged(host, reply, identity),
          onFailure: (reason) => ({ ...failed(reason), responseTimeNanos: elapsedNanos })
        })
      })
    }
  })
