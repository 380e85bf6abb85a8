/** A poller as a process, its agents on loopback, and what becomes of the others when one agent's entry changes. */
import { Clock, Effect, Option, Stream } from "effect"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import { AgentServiceService } from "../../src/gen/monitoring/monitoring.ts"
import * as GrpcServer from "../../src/layers/grpc/GrpcServer.ts"
import * as FakeAgent from "../fixtures/FakeAgent.ts"
import * as FakeCore from "../fixtures/FakeCore.ts"
import * as Program from "./Program.ts"
import { temporaryFolder } from "./temporaryFolder.ts"

export interface Poll {
  readonly service: string
  readonly atMillis: number
  /** The poller's end of the connection. */
  readonly peer: string
}

export interface Entry {
  readonly address: string
  readonly checks: ReadonlyArray<{ readonly service_type: string; readonly service_name: string }>
}

export const check = (name: string) => ({ service_type: "process", service_name: name })

/** An agent that notes who asks it for what, and when. */
export const notingAgent = Effect.gen(function*() {
  const polls: Array<Poll> = []
  const { address } = yield* GrpcServer.make({
    host: "127.0.0.1",
    port: 0,
    grace: 0,
    health: { AgentService: "SERVING" },
    services: [GrpcServer.service(AgentServiceService, {
      getStatus: ({ serviceName: service }, { peer }) =>
        Effect.map(Clock.currentTimeMillis, (atMillis) => {
          polls.push({ service, atMillis, peer })
          return FakeAgent.available(Buffer.from("{\"ok\":true}"))
        }),
      getResults: () => Effect.die("not asked for"),
      streamResults: () => Stream.empty
    })]
  })
  return { address, polls }
})

export const nameOf = (index: number): string => `agent-${index}`

/** Agents and a poller that polls them; `write` replaces its file as an editor does. */
export const world = Effect.fnUntraced(function*(options: {
  readonly agents: number
  readonly pollInterval: string
  readonly env?: Readonly<Record<string, string>>
  /** More of the poller's file, from its start on. */
  readonly file?: object
  /** Where it serves HTTP; nowhere unless told. */
  readonly http?: string
}) {
  const folder = yield* temporaryFolder
  const core = yield* FakeCore.serve({ takesParts: true })
  const agents = yield* Effect.forEach(Array.from({ length: options.agents }), () => notingAgent, { concurrency: 50 })
  const file = path.join(folder, "poller.json")
  const entries = new Map<string, Entry>(
    agents.map(({ address }, index) => [nameOf(index), { address, checks: [check("one"), check("two")] }])
  )
  const base = {
    poller_id: "poller-1",
    source_ip: "127.0.0.1",
    core_address: core.address,
    poll_interval: options.pollInterval,
    buffer: { type: "memory" },
    ...options.file
  }
  const put = (text: string) =>
    Effect.promise(async () => {
      await fs.writeFile(`${file}.new`, text)
      await fs.rename(`${file}.new`, file)
    })
  const write = (change: object = {}) =>
    put(JSON.stringify({ ...base, agents: Object.fromEntries(entries), ...change }))
  yield* write()
  const program = yield* Program.start(["poller", "--config", file, "--http", options.http ?? "off"], {
    env: options.env ?? {}
  })
  const polled = (what: string, isPolled: () => boolean) =>
    Program.eventually(what, Effect.sync(() => isPolled() ? Option.some(true) : Option.none()), {
      within: "200 seconds",
      programs: [program]
    })
  /** Until every agent, or those that are named, has been asked so many times more. */
  const rounds = (count: number, of: ReadonlyArray<{ readonly polls: ReadonlyArray<Poll> }> = agents) =>
    Effect.suspend(() => {
      const before = of.map(({ polls }) => polls.length)
      // Two checks each.
      return polled(
        `${count} rounds`,
        () => of.every(({ polls }, index) => polls.length >= (before[index] ?? 0) + 2 * count)
      )
    })
  const polledOnTime = (of: typeof agents, intervalMillis: number) =>
    Effect.andThen(
      rounds(3, of),
      Program.eventually(
        "that all are polled on time",
        Effect.map(Clock.currentTimeMillis, (now) =>
          of.every(({ polls }) =>
              Option.isNone(disturbance(polls, now - intervalMillis, intervalMillis))
            )
            ? Option.some(true)
            : Option.none()),
        { within: "200 seconds", programs: [program] }
      )
    )
  return { agents, core, entries, file, polled, polledOnTime, program, put, rounds, write }
})

/**
 * Why an agent's polls around that moment were not as if nothing had happened; none when they were: one connection, none
 * missed, none too many, and the same place in the interval. A machine that stands still for a moment changes none of it.
 */
export const disturbance = (
  polls: ReadonlyArray<Poll>,
  sinceMillis: number,
  intervalMillis: number
): Option.Option<string> => {
  const around = polls.filter(({ atMillis }) => atMillis >= sinceMillis - 3.5 * intervalMillis)
  const peers = new Set(around.map(({ peer }) => peer))
  if (peers.size !== 1) return Option.some(`${peers.size} connections`)
  for (const service of ["one", "two"]) {
    const times = around.flatMap((poll) => poll.service === service ? [poll.atMillis] : [])
    const [first = 0] = times
    const offset = (at: number) => (at - first) - intervalMillis * Math.round((at - first) / intervalMillis)
    const ticks = Math.round(((times.at(-1) ?? 0) - first) / intervalMillis) + 1
    if (ticks !== times.length) return Option.some(`${times.length} polls in ${ticks} intervals`)
    // The least late of each side: a busy machine makes polls late, never early.
    const shift = Math.min(...times.filter((at) => at >= sinceMillis).map(offset)) -
      Math.min(...times.filter((at) => at < sinceMillis).map(offset))
    if (Math.abs(shift) > intervalMillis / 3) return Option.some(`${shift} ms from where it was polled before`)
  }
  return Option.none()
}
