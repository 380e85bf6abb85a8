/**
 * The same backlog drained by this program and by that of another checkout, in turns and each on servers of its own, as
 * what else the machine does would otherwise count for one of them only.
 */
import * as fs from "node:fs/promises"
import * as os from "node:os"
import * as path from "node:path"
import * as Published from "../processes/Published.ts"
import type { Row } from "../Table.ts"
import * as Bench from "./Bench.ts"
import * as Rows from "./Rows.ts"
import type { Measured } from "./Scenarios.ts"
import * as Servers from "./Servers.ts"

interface Round {
  readonly rowsPerSecond: number
  readonly cpu: Bench.Drained["cpu"]
  readonly messages: number
  readonly lost: number
  readonly doubled: number
}

/** Those of the round that goes on. */
let running: Servers.Servers | undefined

const drainOnce = async (program: string, options: ReadonlyMap<string, string>): Promise<Round> => {
  const servers = await Servers.start()
  running = servers
  try {
    const context: Bench.Context = { servers, options, writer: { program, profile: undefined, env: {}, node: [] } }
    await Bench.prepare(context)
    const published = await Bench.publish(context, {
      messages: Bench.numberOption(context, "messages", 400_000),
      mix: options.get("mix") ?? "mixed"
    })
    const drained = await Bench.drain(context)
    const { doubled, lost, rows } = await Rows.verify(servers, published.rows)
    const { cpu, messages, seconds } = drained
    return { rowsPerSecond: Bench.perSecond(rows, seconds), cpu, messages, lost, doubled }
  } finally {
    running = undefined
    await servers.close()
  }
}

const median = (values: ReadonlyArray<number>): number => {
  const sorted = values.toSorted((one, other) => one - other)
  const middle = Math.floor(sorted.length / 2)
  const upper = sorted[middle] ?? 0
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? 0)) / 2
}

const cpuOf = (rounds: ReadonlyArray<Round>, who: keyof Round["cpu"]): number =>
  median(rounds.map(({ cpu, messages }) => cpu[who] / messages * 1e6))

const sides = ["before", "now"] as const

/** `checkout` is the folder of the other one, with its `node_modules`. */
export const run = async (checkout: string, options: ReadonlyMap<string, string>): Promise<Measured> => {
  const folder = await fs.mkdtemp(path.join(os.tmpdir(), "serviceradar-bench-"))
  const leave = async () => {
    await running?.close()
    await fs.rm(folder, { recursive: true, force: true })
    process.exit(130)
  }
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => void leave())
  try {
    const programs = {
      before: Published.build(path.join(folder, "before"), checkout),
      now: Published.build(path.join(folder, "now"))
    }
    const measured: Record<typeof sides[number], Array<Round>> = { before: [], now: [] }
    for (let round = 0; round < Number(options.get("rounds") ?? 3); round++) {
      // Who comes first changes, as a machine that becomes slower or faster would else count for one of them.
      for (const side of round % 2 === 0 ? sides : sides.toReversed()) {
        Bench.say(`round ${round + 1}, ${side}`)
        measured[side].push(await drainOnce(programs[side], options))
      }
    }
    const rate = (side: typeof sides[number]) => median(measured[side].map(({ rowsPerSecond }) => rowsPerSecond))
    const ratio = median(
      measured.now.map((one, at) => one.rowsPerSecond / (measured.before[at]?.rowsPerSecond ?? Number.NaN))
    )
    const both = [...measured.before, ...measured.now]
    return {
      rows: [
        ...sides.flatMap((side): ReadonlyArray<Row> => [
          { what: `${side}: drained`, value: rate(side), unit: "rows/s" },
          { what: `${side}: CPU of writer`, value: cpuOf(measured[side], "writer"), unit: "µs/message" },
          { what: `${side}: CPU of PostgreSQL`, value: cpuOf(measured[side], "postgres"), unit: "µs/message" },
          { what: `${side}: CPU of nats-server`, value: cpuOf(measured[side], "nats"), unit: "µs/message" }
        ]),
        { what: "now of before, median of the rounds", value: 100 * ratio, unit: "%", must: "90" },
        { what: "rows lost", value: both.reduce((sum, { lost }) => sum + lost, 0), unit: "rows", must: "0" },
        { what: "rows doubled", value: both.reduce((sum, { doubled }) => sum + doubled, 0), unit: "rows", must: "0" }
      ],
      result: { ratio, ...measured }
    }
  } finally {
    await fs.rm(folder, { recursive: true, force: true })
  }
}
