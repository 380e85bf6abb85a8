/** What the scenarios have in common: a backlog, writers that drain it, and the proof that nothing is lost or doubled. */
import * as fs from "node:fs/promises"
import type { ChildProgram } from "../processes/ChildProgram.ts"
import * as Publisher from "./Publisher.ts"
import * as Rows from "./Rows.ts"
import type { Servers } from "./Servers.ts"
import * as Streams from "./Streams.ts"
import * as Watch from "./Watch.ts"
import * as Writer from "./Writer.ts"

export interface Context {
  readonly servers: Servers
  readonly options: ReadonlyMap<string, string>
  readonly writer: Writer.WriterOptions
}

export const numberOption = ({ options }: Context, name: string, byDefault: number): number =>
  Number(options.get(name) ?? byDefault)

export const pause = (millis: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, millis))

export const secondsSince = (millis: number): number => (performance.now() - millis) / 1000

export const say = (text: string): void => console.error(`${new Date().toISOString().slice(11, 19)} ${text}`)

const failed = (what: string, writers: ReadonlyArray<ChildProgram>): Error =>
  new Error(`${what}\n${writers.flatMap(({ lines }) => lines.slice(-15)).join("\n")}`)

/** Asks until it is true; a writer that ended is an error. */
export const until = async (
  what: string,
  writers: ReadonlyArray<ChildProgram>,
  isTrue: () => Promise<boolean>,
  everyMillis: number,
  limitSeconds = 1_800
): Promise<void> => {
  const start = performance.now()
  while (!(await isTrue())) {
    if (writers.some((writer) => !writer.isRunning)) throw failed(`A writer ended before ${what}`, writers)
    if (secondsSince(start) > limitSeconds) throw failed(`Not within ${limitSeconds} s: ${what}`, writers)
    await pause(everyMillis)
  }
}

export const withWriters = async <A>(
  context: Context,
  count: number,
  use: (writers: ReadonlyArray<ChildProgram>) => Promise<A>
): Promise<A> => {
  const writers = Array.from({ length: count }, () => Writer.start(context.servers, context.writer))
  try {
    return await use(writers)
  } finally {
    await Promise.all(writers.map((writer) => writer.stop()))
    const log = context.options.get("log")
    if (log !== undefined) await fs.appendFile(log, writers.map(({ lines }) => lines.join("\n")).join("\n"))
  }
}

const streamsExpected = 7

/** Lets a writer make the streams and tables that it wants. */
export const prepare = (context: Context): Promise<void> =>
  withWriters(context, 1, (writers) =>
    until(
      "streams and tables were made",
      writers,
      async () => await Streams.count(context.servers) >= streamsExpected && await Rows.areThere(context.servers),
      100,
      60
    ))

/** Nothing in the streams, nothing in the tables. */
export const clear = async ({ servers }: Context): Promise<void> => {
  await Streams.empty(servers)
  await Rows.clear(servers)
}

export const publish = async (
  { servers }: Context,
  options: Readonly<Record<string, string | number | undefined>>
): Promise<Publisher.Published> => {
  const published = await Publisher.start(servers.natsUrl, options).done()
  say(`published ${published.published} messages in ${published.seconds} s`)
  return published
}

export interface Drained extends Watch.Watched {
  /** From the first delivery to the last acknowledgement, which follows the last commit. */
  readonly seconds: number
  readonly messages: number
}

/** From the first fetch until nothing waits. */
export const drain = async (context: Context, count = 1): Promise<Drained> => {
  const { servers } = context
  const messages = await Streams.messages(servers)
  return withWriters(context, count, async (writers) => {
    const finish = Watch.start(servers, writers)
    await until("the first delivery", writers, async () => (await Streams.backlog(servers)).delivered > 0, 10)
    const start = performance.now()
    await until("the streams were empty", writers, async () => (await Streams.backlog(servers)).left === 0, 50)
    const seconds = secondsSince(start)
    say(`drained ${messages} messages in ${seconds.toFixed(1)} s by ${count} writer${count === 1 ? "" : "s"}`)
    return { ...finish(), seconds, messages }
  })
}

export const perSecond = (count: number, seconds: number): number => Math.round(count / seconds)
