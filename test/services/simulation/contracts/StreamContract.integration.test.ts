/**
 * The model of a stream with two durable consumers and that of a nats-server answer the same to the same histories.
 *
 * The model's time stands still but for waits, after which whatever could be due is. What came due together comes again in
 * an order that depends on microseconds: after a wait everything is pulled at once, and compared without its order.
 */
import { assert, describe, it } from "@effect/vitest"
import { AckPolicy, DiscardPolicy, RetentionPolicy, StorageType } from "@nats-io/jetstream"
import { createInbox, type Msg } from "@nats-io/transport-node"
import { Effect } from "effect"
import type { Seeded } from "../../../../src/domain/simulation/Seeded.ts"
import type { NatsClient } from "../../../../src/layers/nats/connection/NatsClient.ts"
import { NatsConnection } from "../../../../src/layers/nats/connection/NatsConnection.ts"
import { type ConsumerOptions, StreamModel } from "../../../../src/services/simulation/JetStreamModel.ts"
import * as natsClient from "../../../support/natsClient.ts"
import * as natsServer from "../../../support/natsServer.ts"
import * as Histories from "./Histories.ts"

const ackWaitMillis = 3_000
const duplicateWindowMillis = 3_000
const waitMillis = 3_600
/** A part that took longer may have had something due within it. */
const slowMillis = 2_200
const historiesAtOnce = 24
const attemptsMax = 6
/** How long a server may have until it says that there is nothing. */
const pullMillis = 60
const everything = 1_000
const longDelayMillis = 600_000
const consumersMax = 2

const kinds: ReadonlyArray<readonly [number, "publish" | "pull" | "ack" | "nak" | "term" | "inProgress"]> = [
  [6, "publish"],
  [4, "pull"],
  [5, "ack"],
  [3, "nak"],
  [1, "term"],
  [1, "inProgress"]
]

const stepOf = (random: Seeded) => ({
  kind: Histories.pick(random, kinds),
  id: random.chance(0.5) ? `id${random.between(0, 5)}` : undefined,
  consumer: random.between(0, consumersMax - 1),
  batch: random.between(1, 4),
  /** Which of the messages that were delivered. */
  which: random.next(),
  delayMillis: random.chance(0.3) ? longDelayMillis : 0
})
type Step = ReturnType<typeof stepOf>

const historyOf = (seed: number) => {
  const random = Histories.randomOf("stream", seed)
  const retention = random.chance(0.5) ? "workqueue" as const : "limits" as const
  const maxMessages = random.chance(0.4) ? random.between(3, 8) : undefined
  const consumer: ConsumerOptions = {
    ackWaitMillis,
    maxDeliver: random.chance(0.5) ? random.between(1, 3) : -1,
    maxAckPending: random.chance(0.5) ? random.between(2, 6) : 1_000
  }
  return {
    retention,
    maxMessages,
    consumer,
    /** A work queue has one for each of its subjects, and here is one subject. */
    consumers: retention === "workqueue" ? 1 : consumersMax,
    parts: Histories.draw(random, 1, 3, (inner) => Histories.draw(inner, 5, 25, stepOf))
  }
}
type History = ReturnType<typeof historyOf>

interface Pulled {
  readonly sequence: number
  readonly deliveries: number
}

/** What both sides are to a history. */
interface Side {
  readonly publish: (data: string, id: string | undefined) => Promise<string>
  readonly pull: (consumer: number, batch: number) => Promise<ReadonlyArray<Pulled>>
  readonly settle: (consumer: number, sequence: number, step: Step) => Promise<void>
  /** Of the stream and of each consumer. */
  readonly counts: () => Promise<string>
  readonly wait: () => Promise<void>
}

const textOf = ({ deliveries, sequence }: Pulled): string => `${sequence} (${deliveries})`

/** Undefined when a part took so long that its answers say nothing. */
const led = async (side: Side, history: History): Promise<ReadonlyArray<string> | undefined> => {
  const answers: Array<string> = []
  const had = Array.from({ length: history.consumers }, () => new Array<number>())
  const pull = async (consumer: number, batch: number): Promise<ReadonlyArray<string>> => {
    const pulled = await side.pull(consumer, batch)
    for (const { sequence } of pulled) if (had[consumer]?.includes(sequence) === false) had[consumer].push(sequence)
    return pulled.map(textOf)
  }
  const answer = async (step: Step, number: number): Promise<string> => {
    const consumer = step.consumer % history.consumers
    if (step.kind === "publish") return side.publish(`message ${number}`, step.id)
    if (step.kind === "pull") return (await pull(consumer, step.batch)).join(", ")
    const delivered = had[consumer] ?? []
    const sequence = delivered[Math.floor(step.which * delivered.length)]
    if (sequence === undefined) return "nothing to settle"
    await side.settle(consumer, sequence, step)
    return `${sequence}${step.kind === "nak" && step.delayMillis > 0 ? " later" : ""}`
  }
  for (const [part, steps] of history.parts.entries()) {
    const beganMillis = performance.now()
    if (part > 0) {
      answers.push(`waited: ${await side.counts()}`)
      for (let consumer = 0; consumer < history.consumers; consumer += 1) {
        const all = await pull(consumer, everything)
        answers.push(`everything of ${consumer}: ${all.toSorted().join(", ")}; ${await side.counts()}`)
      }
    }
    for (const [number, step] of steps.entries()) {
      answers.push(`${step.kind} ${step.consumer}: ${await answer(step, number)}; ${await side.counts()}`)
    }
    if (performance.now() - beganMillis > slowMillis) return undefined
    if (part < history.parts.length - 1) await side.wait()
  }
  return answers
}

const encoder = new TextEncoder()

const modelled = ({ consumer, consumers, maxMessages, retention }: History): Side => {
  let now = 0
  const stream = new StreamModel({
    nowMillis: () => now,
    duplicateWindowMillis,
    retention,
    ...(maxMessages === undefined ? {} : { maxMessages })
  })
  const all = Array.from({ length: consumers }, (_, at) => stream.consumer(`c${at}`, consumer))
  const of = (at: number) => all[at] ?? stream.consumer(`c${at}`, consumer)
  return {
    publish: async (data, id) => {
      const { isDuplicate, sequence } = stream.publish("s", encoder.encode(data), id)
      return `${sequence}${isDuplicate ? ", again" : ""}`
    },
    pull: async (at, batch) =>
      of(at).pull(batch).map(({ deliveries, message: { sequence } }) => ({ deliveries, sequence })),
    settle: async (at, sequence, { delayMillis, kind }) => {
      if (kind === "ack") of(at).ack(sequence)
      if (kind === "term") of(at).term(sequence)
      if (kind === "inProgress") of(at).inProgress(sequence)
      if (kind === "nak") of(at).nak(sequence, delayMillis)
    },
    counts: async () =>
      [
        `${stream.size} from ${stream.firstSequence} to ${stream.lastSequence}`,
        ...all.map(({ ackPendingCount, pendingCount }) => `${pendingCount} new, ${ackPendingCount} out`)
      ].join(", "),
    wait: async () => {
      now += waitMillis
    }
  }
}

const nanosOf = (millis: number): number => millis * 1_000_000

/** `$JS.ACK.stream.consumer.deliveries.sequence…`, with two more tokens before the stream's name where there is a domain. */
const pulledOf = ({ reply = "" }: Msg): Pulled => {
  const tokens = reply.split(".")
  const from = tokens.length > 9 ? 4 : 2
  return { deliveries: Number(tokens[from + 2]), sequence: Number(tokens[from + 3]) }
}

const bodyOf = ({ delayMillis, kind }: Step): string => {
  switch (kind) {
    case "nak":
      return delayMillis === 0 ? "-NAK" : `-NAK {"delay": ${nanosOf(delayMillis)}}`
    case "term":
      return "+TERM"
    case "inProgress":
      return "+WPI"
    default:
      return "+ACK"
  }
}

const really = async (
  { apiPrefix, js, jsm, nc }: NatsClient,
  stream: string,
  { consumer, consumers, maxMessages, retention }: History
): Promise<Side> => {
  await jsm.streams.add({
    name: stream,
    subjects: [stream],
    storage: StorageType.Memory,
    retention: retention === "limits" ? RetentionPolicy.Limits : RetentionPolicy.Workqueue,
    discard: DiscardPolicy.Old,
    duplicate_window: nanosOf(duplicateWindowMillis),
    ...(maxMessages === undefined ? {} : { max_msgs: maxMessages })
  })
  const names = Array.from({ length: consumers }, (_, at) => `c${at}`)
  for (const name of names) {
    await jsm.consumers.add(stream, {
      durable_name: name,
      ack_policy: AckPolicy.Explicit,
      ack_wait: nanosOf(consumer.ackWaitMillis),
      max_deliver: consumer.maxDeliver,
      max_ack_pending: consumer.maxAckPending
    })
  }
  /** Where the latest delivery of a message is answered, by consumer. */
  const replies = names.map(() => new Map<number, string>())
  const counts = async (): Promise<string> => {
    const { state } = await jsm.streams.info(stream)
    const infos = await Promise.all(names.map((name) => jsm.consumers.info(stream, name)))
    // Of a stream that never had a message the first is 0, of one that has none any more it is the next.
    const first = state.messages === 0 ? state.last_seq + 1 : state.first_seq
    return [
      `${state.messages} from ${first} to ${state.last_seq}`,
      ...infos.map((info) => `${info.num_pending} new, ${info.num_ack_pending} out`)
    ].join(", ")
  }
  return {
    publish: async (data, id) => {
      const { duplicate, seq } = await js.publish(stream, data, id === undefined ? {} : { msgID: id })
      return `${seq}${duplicate ? ", again" : ""}`
    },
    pull: async (at, batch) => {
      const inbox = createInbox()
      const subscription = nc.subscribe(inbox)
      nc.publish(
        `${apiPrefix}.CONSUMER.MSG.NEXT.${stream}.c${at}`,
        JSON.stringify({ batch, no_wait: true, expires: nanosOf(pullMillis) }),
        { reply: inbox }
      )
      const pulled: Array<Pulled> = []
      for await (const message of subscription) {
        if ((message.headers?.code ?? 0) > 0) break
        const one = pulledOf(message)
        replies[at]?.set(one.sequence, message.reply ?? "")
        pulled.push(one)
        if (pulled.length === batch) break
      }
      subscription.unsubscribe()
      return pulled
    },
    settle: async (at, sequence, step) => {
      // The server answers when it has done it; it leaves some without an answer that come too late.
      await nc.request(replies[at]?.get(sequence) ?? "", bodyOf(step), { timeout: 500 }).catch(() => undefined)
    },
    /** What a limit removes is gone from the consumers a moment later: twice the same is meant. */
    counts: async () => {
      let last = await counts()
      for (let look = 0; look < 20; look += 1) {
        const next = await counts()
        if (next === last) break
        last = next
      }
      return last
    },
    wait: () => new Promise((resolve) => setTimeout(resolve, waitMillis))
  }
}

/** What both answered until they differ, and then each; undefined when they never do. */
const difference = (model: ReadonlyArray<string>, real: ReadonlyArray<string>): ReadonlyArray<string> | undefined => {
  const at = real.findIndex((answer, index) => answer !== model[index])
  return at < 0 ? undefined : [...real.slice(Math.max(0, at - 12), at), `server ${real[at]}`, `model ${model[at]}`]
}

/** Undefined where every attempt was too slow. */
const answered = async (client: NatsClient, seed: number, history: History) => {
  for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
    const name = `S${seed}-${attempt}`
    const answers = await led(await really(client, name, history), history)
    await client.jsm.streams.delete(name)
    if (answers !== undefined) return answers
  }
  return undefined
}

/** Since 2.10 what was delivered as often as it may is no longer among what is unacknowledged. */
const withoutMaxDeliver = (history: History): History => ({
  ...history,
  consumer: { ...history.consumer, maxDeliver: -1 }
})

/** That of the tests, and a newer one where `NATS_SERVER_NEWER_BIN` names it. */
const newer = process.env["NATS_SERVER_NEWER_BIN"] ?? ""
const servers = [
  { what: "a nats-server", options: {}, of: historyOf },
  ...(newer === ""
    ? []
    : [{
      what: "a newer nats-server",
      options: { program: newer },
      of: (seed: number) => withoutMaxDeliver(historyOf(seed))
    }])
]

describe("A stream and its consumers", () => {
  for (const { of, options, what } of servers) {
    it.live(`are modelled as ${what} answers`, () =>
      Effect.gen(function*() {
        const server = yield* natsServer.start(options)
        yield* Effect.gen(function*() {
          const client = yield* Effect.flatMap(NatsConnection, natsClient.ready)
          const differences = yield* Effect.forEach(Histories.seeds, (seed) =>
            Effect.promise(async () => {
              const history = of(seed)
              const model = await led(modelled(history), history)
              const real = await answered(client, seed, history)
              if (model === undefined || real === undefined) return [{ seed, answers: "the server is too slow" }]
              const answers = difference(model, real)
              const { consumer, maxMessages, retention } = history
              return answers === undefined ? [] : [{ seed, retention, maxMessages, consumer, answers }]
            }), { concurrency: historiesAtOnce })

          assert.deepStrictEqual(differences.flat(), [])
        }).pipe(Effect.provide(natsClient.layer(server.url)))
      }).pipe(Effect.scoped), Histories.timeoutMillis)
  }
})
