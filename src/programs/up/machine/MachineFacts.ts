/**
 * What there is to monitor on this machine: listening ports, long-lived processes, ways to ping.
 *
 * Reads `/proc` and pings; where there is no `/proc`, it finds less but does not fail.
 */
import { Duration, Effect, FileSystem } from "effect"
import * as path from "node:path"
import * as ProcessTable from "../../../layers/process/ProcessTable.ts"
import * as Gateway from "./Gateway.ts"
import * as ListeningPorts from "./ListeningPorts.ts"
import * as LongLivedProcesses from "./LongLivedProcesses.ts"

const portsMax = 12
const processesMax = 5

/** USER_HZ, which the kernel promises to user space whatever its own clock is. */
const ticksPerSecond = 100
const longLivedTicks = 60 * ticksPerSecond

/** Who listens now and no more after this was somebody's test. The kernel does not say since when a port is open. */
export const portsStayFor = Duration.seconds(1)

export interface PingTarget {
  readonly name: string
  readonly address: string
}

export interface MachineFacts {
  readonly ports: ReadonlyArray<ListeningPorts.ListeningPort>
  readonly processes: ReadonlyArray<string>
  /** Addresses that answer to a ping now. */
  readonly pingable: ReadonlyArray<PingTarget>
}

export interface DiscoverOptions {
  readonly procRoot: string
  /** Whether an address answers to a ping. */
  readonly answersPing: (address: string) => Effect.Effect<boolean>
  /** Ports that are monitored anyway. */
  readonly excludePorts: ReadonlySet<number>
  readonly ownPid: number
}

export const discover = Effect.fn("MachineFacts.discover")(function*(options: DiscoverOptions) {
  const files = yield* FileSystem.FileSystem
  const read = (...parts: ReadonlyArray<string>) =>
    files.readFileString(path.join(options.procRoot, ...parts)).pipe(Effect.orElseSucceed(() => ""))

  const listening = Effect.map(
    Effect.all([read("net", "tcp"), read("net", "tcp6")]),
    (tables) => tables.flatMap(ListeningPorts.parse)
  )
  const before = yield* listening
  const uptimeTicks = Number((yield* read("uptime")).split(" ")[0]) * ticksPerSecond
  const processes = yield* ProcessTable.read(options.procRoot).pipe(Effect.orElseSucceed(() => []))
  // A ping may be installed and not permitted, and many gateways never answer: what fails now would always be red.
  const gateway = Gateway.parse(yield* read("net", "route"))
  const pings = Effect.filter(
    [
      { name: "loopback", address: "127.0.0.1" },
      ...(gateway === undefined ? [] : [{ name: "gateway", address: gateway }])
    ],
    ({ address }) => options.answersPing(address),
    { concurrency: 2 }
  )
  const [pingable] = yield* Effect.all([pings, before.length === 0 ? Effect.void : Effect.sleep(portsStayFor)], {
    concurrency: 2
  })
  const after = yield* listening
  return {
    ports: ListeningPorts.rank(ListeningPorts.inBoth(before, after), {
      limit: portsMax,
      exclude: options.excludePorts
    }),
    processes: LongLivedProcesses.rank(processes, {
      limit: processesMax,
      ownPid: options.ownPid,
      startedBeforeTicks: uptimeTicks - longLivedTicks
    }),
    pingable
  } satisfies MachineFacts
})
