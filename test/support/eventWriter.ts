/**
 * The event writer between a real NATS and a real PostgreSQL: how tests set it up, and how they count what became of each
 * message.
 */
import { jetstream, jetstreamManager } from "@nats-io/jetstream"
import { connect, type NatsConnection } from "@nats-io/transport-node"
import { Effect } from "effect"
import { streamNames } from "../../src/domain/events/stream/Streams.ts"
import { markedEvent, markIn, storedMarks } from "./markedEvents.ts"
import { eventually } from "./Program.ts"

/** What a dead writer held comes again soon, and small batches give many places to die at. */
export const environment = (natsUrl: string, databaseUrl: string): Readonly<Record<string, string>> => ({
  NATS_URL: natsUrl,
  DATABASE_URL: databaseUrl,
  EVENT_WRITER_CREATE_STREAMS: "true",
  EVENT_WRITER_TENANT: "acme",
  EVENT_WRITER_ACK_WAIT: "2s",
  EVENT_WRITER_BATCH_SIZE: "50",
  EVENT_WRITER_BATCH_TIMEOUT: "50ms",
  EVENT_WRITER_LISTEN_ADDR: "127.0.0.1:0"
})

/** A connection of the test's own, which comes back after each outage of the server. */
export const natsConnection = (url: string) =>
  Effect.acquireRelease(
    Effect.promise(() => connect({ servers: url, maxReconnectAttempts: -1, reconnectTimeWait: 50, timeout: 5_000 })),
    (connection) => Effect.promise(() => connection.close())
  )

/** Whether the server said that it keeps the message. When it did not, it may keep it all the same. */
export const publish = (connection: NatsConnection, mark: number): Promise<boolean> => {
  const { data, subject } = markedEvent(mark)
  return jetstream(connection).publish(subject, data, { timeout: 2_000, retries: 0 }).then(() => true, () => false)
}

const streamsThere = (connection: NatsConnection): Promise<ReadonlyArray<string>> =>
  jetstreamManager(connection).then(async (manager) => {
    const names: Array<string> = []
    for await (const name of manager.streams.names()) names.push(name)
    return names
  })

/** Waits until the writer has made its streams. */
export const awaitStreams = (connection: NatsConnection) =>
  eventually(
    "all streams",
    Effect.flatMap(Effect.tryPromise(() => streamsThere(connection)), (names) => {
      const missing = streamNames.filter((name) => !names.includes(name))
      return missing.length === 0 ? Effect.succeedSome(names) : Effect.fail(`there is no ${missing.join(", ")}`)
    }),
    // As long as its start may take beside those of others.
    { within: "90 seconds" }
  )

/** Messages that no consumer has settled; of a stream whose consumer is still to be made, all. */
const unsettled = async (connection: NatsConnection): Promise<number> => {
  const manager = await jetstreamManager(connection)
  let count = 0
  for (const stream of streamNames) {
    let consumers = 0
    for await (const consumer of manager.consumers.list(stream)) {
      consumers += 1
      count += consumer.num_pending + consumer.num_ack_pending
    }
    if (consumers === 0) count += (await manager.streams.info(stream)).state.messages
  }
  return count
}

/** Waits until every message is settled. */
export const awaitSettled = (connection: NatsConnection, within: Parameters<typeof eventually>[2]) =>
  eventually(
    "every message settled",
    Effect.flatMap(
      Effect.tryPromise(() => unsettled(connection)),
      (count) => count === 0 ? Effect.succeedSome(true) : Effect.fail(`${count} unsettled messages`)
    ),
    within
  )

const deadLetterStream = "DLQ"

/** How many dead letters there are of each number. */
const deadMarks = async (connection: NatsConnection): Promise<ReadonlyMap<number, number>> => {
  const manager = await jetstreamManager(connection)
  const marks = new Map<number, number>()
  if (!(await streamsThere(connection)).includes(deadLetterStream)) return marks
  const { state } = await manager.streams.info(deadLetterStream)
  for (let seq = state.first_seq; seq <= state.last_seq && state.messages > 0; seq++) {
    const letter = await manager.streams.getMessage(deadLetterStream, { seq })
    if (letter === null) continue
    const mark = markIn(letter.data)
    marks.set(mark, (marks.get(mark) ?? 0) + 1)
  }
  return marks
}

export interface Audit {
  /** Acknowledged, and not in the tables or the dead letters as they should be. */
  readonly lost: ReadonlyArray<number>
  /** More rows or dead letters than there should be. */
  readonly duplicated: ReadonlyArray<number>
  /** Some of its rows, or rows and a dead letter. */
  readonly torn: ReadonlyArray<number>
  readonly rows: number
  readonly deadLetters: number
}

/** Compares what was published from `since` on with what is there. */
export const audit = Effect.fnUntraced(function*(
  connection: NatsConnection,
  published: { readonly acked: ReadonlySet<number>; readonly unknown: ReadonlySet<number> },
  since = 0
) {
  const stored = yield* storedMarks(since)
  const letters = yield* Effect.promise(() => deadMarks(connection))
  const lost: Array<number> = []
  const duplicated: Array<number> = []
  const torn: Array<number> = []
  for (const mark of new Set([...published.acked, ...published.unknown, ...stored.keys()])) {
    const { rows } = markedEvent(mark)
    const found = { rows: stored.get(mark) ?? 0, letters: letters.get(mark) ?? 0 }
    const wanted = rows === 0 ? { rows: 0, letters: 1 } : { rows, letters: 0 }
    if (found.rows === wanted.rows && found.letters === wanted.letters) continue
    if (found.rows > wanted.rows || found.letters > 1) duplicated.push(mark)
    else if (found.rows > 0 || found.letters > 0) torn.push(mark)
    else if (published.acked.has(mark)) lost.push(mark)
  }
  const rows = [...stored.values()].reduce((sum, count) => sum + count, 0)
  return { lost, duplicated, torn, rows, deadLetters: letters.size } satisfies Audit
})
