/** What is measured, one function each; every one begins with empty streams and tables. */
import * as fs from "node:fs/promises"
import type { Row } from "../Table.ts"
import {
  clear,
  type Context,
  drain,
  type Drained,
  numberOption,
  pause,
  perSecond,
  publish,
  say,
  secondsSince,
  until,
  withWriters
} from "./Bench.ts"
import * as Probes from "./Probes.ts"
import * as Publisher from "./Publisher.ts"
import * as Rows from "./Rows.ts"
import * as Streams from "./Streams.ts"
import * as Watch from "./Watch.ts"

export interface Measured {
  readonly rows: ReadonlyArray<Row>
  readonly result: object
}

export type Scenario = (context: Context) => Promise<Measured>

const cpuRows = (name: string, { cpu }: Watch.Watched, messages: number): ReadonlyArray<Row> =>
  [["writer", cpu.writer], ["nats-server", cpu.nats], ["PostgreSQL", cpu.postgres]].map(([who, seconds]) => ({
    what: `${name}: CPU of ${who}`,
    value: Math.round(Number(seconds) / messages * 1e8) / 100,
    unit: "µs/message"
  }))

const safeRows = (name: string, { doubled, lost }: Rows.Stored): ReadonlyArray<Row> => [
  { what: `${name}: rows lost`, value: lost, unit: "rows", must: "0" },
  { what: `${name}: rows doubled`, value: doubled, unit: "rows", must: "0" }
]

const drainOf = (name: string, mix: string, bounds: Pick<Row, "must" | "aim">): Scenario => async (context) => {
  await clear(context)
  const published = await publish(context, { messages: numberOption(context, "messages", 400_000), mix })
  const drained = await drain(context)
  const stored = await Rows.verify(context.servers, published.rows)
  const rowsPerSecond = perSecond(stored.rows, drained.seconds)
  const messagesPerSecond = perSecond(drained.messages, drained.seconds)
  return {
    rows: [
      { what: `${name}: drained`, value: rowsPerSecond, unit: "rows/s", ...bounds },
      { what: `${name}: drained`, value: messagesPerSecond, unit: "messages/s" },
      ...safeRows(name, stored),
      ...cpuRows(name, drained, drained.messages)
    ],
    result: { rowsPerSecond, messagesPerSecond, ...stored, ...drained }
  }
}

const redelivery: Scenario = async (context) => {
  await clear(context)
  await publish(context, { messages: numberOption(context, "messages", 400_000) })
  await drain(context)
  const before = await Rows.count(context.servers)
  await Streams.forgetConsumers(context.servers)
  const again = await drain(context)
  const added = await Rows.count(context.servers) - before
  const messagesPerSecond = perSecond(again.messages, again.seconds)
  return {
    rows: [
      {
        what: "redelivery: delivered again",
        value: messagesPerSecond,
        unit: "messages/s",
        must: "40,000",
        aim: "80,000"
      },
      { what: "redelivery: rows added", value: added, unit: "rows", must: "0" },
      ...cpuRows("redelivery", again, again.messages)
    ],
    result: { messagesPerSecond, added, ...again }
  }
}

const memory: Scenario = async (context) => {
  await clear(context)
  const published = await publish(context, { messages: numberOption(context, "memory-messages", 2_000_000) })
  const drained = await drain(context)
  const stored = await Rows.verify(context.servers, published.rows)
  const { firstThird, lastThird, max } = drained.memoryMegabytes
  return {
    rows: [
      { what: "memory: largest of the writer", value: max, unit: "MB", must: "< 300", aim: "< 150" },
      { what: "memory: mean of the first third", value: firstThird, unit: "MB" },
      { what: "memory: mean of the last third", value: lastThird, unit: "MB", must: "as the first" },
      { what: "memory: drained", value: perSecond(stored.rows, drained.seconds), unit: "rows/s" },
      ...safeRows("memory", stored)
    ],
    result: { ...stored, ...drained }
  }
}

const writers: Scenario = async (context) => {
  const messages = numberOption(context, "messages", 400_000)
  const measured: Array<{ readonly drained: Drained; readonly stored: Rows.Stored; readonly rate: number }> = []
  for (const count of [1, 2]) {
    await clear(context)
    const published = await publish(context, { messages })
    const drained = await drain(context, count)
    const stored = await Rows.verify(context.servers, published.rows)
    measured.push({ drained, stored, rate: perSecond(stored.rows, drained.seconds) })
  }
  const [one, two] = measured
  if (one === undefined || two === undefined) throw new Error("both are measured")
  return {
    rows: [
      { what: "writers: one process", value: one.rate, unit: "rows/s" },
      { what: "writers: two processes", value: two.rate, unit: "rows/s" },
      { what: "writers: two against one", value: two.rate / one.rate, unit: "times", must: "1.5 where cores allow" },
      ...safeRows("writers", two.stored)
    ],
    result: { one, two }
  }
}

const poisons = ["undecodable", "overlong", "forbidden"] as const

const poison: Scenario = async (context) => {
  const { servers } = context
  const messages = numberOption(context, "messages", 400_000)
  await servers.query("alter table platform.timeseries_metrics add constraint bench check (unit <> 'forbidden')")
  const drainWith = async (kind: string | undefined) => {
    await clear(context)
    const published = await publish(context, { messages, mix: "telemetry", poison: kind })
    const drained = await drain(context)
    const stored = await Rows.verify(servers, published.rows)
    return {
      messagesPerSecond: perSecond(drained.messages, drained.seconds),
      poisoned: published.poisoned,
      deadLetters: await Streams.deadLetters(servers),
      ...stored,
      cpu: drained.cpu
    }
  }
  const clean = await drainWith(undefined)
  const rows: Array<Row> = [{ what: "poison: clean", value: clean.messagesPerSecond, unit: "messages/s" }]
  const result: Record<string, object> = { clean }
  for (const kind of poisons) {
    const one = await drainWith(kind)
    result[kind] = one
    const name = `poison, ${kind}`
    rows.push(
      {
        what: `${name}: throughput of clean`,
        value: 100 * one.messagesPerSecond / clean.messagesPerSecond,
        unit: "%",
        must: "> 70",
        aim: "> 90"
      },
      { what: `${name}: dead letters missing`, value: one.poisoned - one.deadLetters, unit: "messages", must: "0" },
      ...safeRows(name, one)
    )
  }
  await servers.query("alter table platform.timeseries_metrics drop constraint bench")
  return { rows, result }
}

const rate: Scenario = async (context) => {
  const { servers } = context
  await clear(context)
  const perSecondWanted = numberOption(context, "rate", 7_610)
  const seconds = numberOption(context, "seconds", 60)
  return withWriters(context, 1, async (writers) => {
    await until("the writer asked", writers, async () => (await Streams.consumers(servers)) >= 7, 50)
    const finish = Watch.start(servers, writers)
    const probes = Probes.start(servers)
    const publisher = Publisher.start(servers.natsUrl, { rate: perSecondWanted, seconds })
    const published = await publisher.done()
    const end = performance.now()
    const { left, pending } = await Streams.backlog(servers)
    const probed = await probes()
    await until("the streams were empty", writers, async () => (await Streams.backlog(servers)).left === 0, 20)
    const catchUpSeconds = secondsSince(end)
    const watched = finish()
    const stored = await Rows.verify(servers, published.rows)
    const stamped = await Rows.latencies(servers)
    return {
      rows: [
        { what: "rate: published", value: perSecond(published.published, published.seconds), unit: "messages/s" },
        { what: "rate: lag at the end (not fetched yet)", value: pending, unit: "messages", must: "0" },
        { what: "rate: on their way at the end", value: left - pending, unit: "messages" },
        { what: "rate: until nothing waits after the end", value: catchUpSeconds * 1000, unit: "ms" },
        { what: "rate: publish to queryable, p50 (asking by SQL)", value: probed.p50, unit: "ms" },
        {
          what: "rate: publish to queryable, p99 (asking by SQL)",
          value: probed.p99,
          unit: "ms",
          must: "< 2,000",
          aim: "< 500"
        },
        { what: "rate: publish to queryable, longest (asking by SQL)", value: probed.max, unit: "ms" },
        { what: "rate: publish to begin of the storing transaction, p99 of all", value: stamped.p99, unit: "ms" },
        { what: "rate: probes missing", value: probed.missing, unit: "messages", must: "0" },
        { what: "rate: memory of the writer", value: watched.memoryMegabytes.max, unit: "MB" },
        ...safeRows("rate", stored),
        ...cpuRows("rate", watched, published.published)
      ],
      result: { pending, left, catchUpSeconds, probed, stamped, ...stored, ...watched }
    }
  })
}

/** Until rows come in again, or the backlog shrinks, whichever is seen first. */
const recovered = async (context: Context, since: number): Promise<number> => {
  const { servers } = context
  const before = await Rows.committed(servers)
  while (await Rows.committed(servers) === before) await pause(10)
  return secondsSince(since)
}

const outage: Scenario = async (context) => {
  const { servers } = context
  await clear(context)
  const minutes = numberOption(context, "minutes", 5)
  return withWriters(context, 1, async (writers) => {
    await until("the writer asked", writers, async () => (await Streams.consumers(servers)) >= 7, 50)
    const publisher = Publisher.start(servers.natsUrl, { rate: numberOption(context, "rate", 7_610) })
    await pause(10_000)
    say("stopping PostgreSQL")
    await servers.stopPostgres()
    const away = Watch.memory(writers)
    await pause(minutes * 60_000)
    const memoryAway = away()
    await servers.startPostgres()
    const back = performance.now()
    say("PostgreSQL answers again")
    const recoverySeconds = await recovered(context, back)
    const backlogBack = (await Streams.backlog(servers)).left
    await pause(10_000)
    publisher.stop()
    const published = await publisher.done()
    await until("the streams were empty", writers, async () => (await Streams.backlog(servers)).left === 0, 100)
    const drainSeconds = secondsSince(back)
    const stored = await Rows.verify(servers, published.rows)
    const deadLetters = await Streams.deadLetters(servers)
    return {
      rows: [
        { what: "outage: dead letters", value: deadLetters, unit: "messages", must: "0" },
        {
          what: "outage: database back to first commit",
          value: recoverySeconds,
          unit: "s",
          must: "< 5",
          aim: "< 1"
        },
        { what: "outage: waiting then", value: backlogBack, unit: "messages" },
        { what: "outage: database back to nothing waiting", value: drainSeconds, unit: "s" },
        { what: "outage: memory meanwhile, first third", value: memoryAway.firstThird, unit: "MB" },
        { what: "outage: memory meanwhile, last third", value: memoryAway.lastThird, unit: "MB", must: "as the first" },
        ...safeRows("outage", stored)
      ],
      result: { minutes, deadLetters, recoverySeconds, backlogBack, drainSeconds, memoryAway, ...stored }
    }
  })
}

export const scenarios: Readonly<Record<string, Scenario>> = {
  rate,
  drain: drainOf("drain", "mixed", { must: "20,000", aim: "40,000" }),
  "drain-telemetry": drainOf("drain-telemetry", "telemetry", { must: "30,000", aim: "60,000" }),
  redelivery,
  memory,
  writers,
  poison,
  outage
}

export const makeFolder = (folder: string): Promise<unknown> => fs.mkdir(folder, { recursive: true })
