/**
 * A pipeline that writes what a broker brings, with a broker that lives in this process: pull with a demand, decode,
 * route by subject, write a batch, ack after the write; nak what may work later, term what never will.
 *
 *   node examples/batch-writer.ts
 */
import { Cause, Effect, Schema } from "effect"
// In your own project: from "serviceradar-effect/pipeline"
import { type Batch, batcher, type Outcomes, Pipeline, Producer } from "../src/services/pipeline/index.ts"

/** What a client library hands over for each delivery. */
interface Delivery {
  readonly subject: string
  readonly data: string
  readonly deliveries: number
  readonly ack: () => void
  readonly nak: () => void
  readonly term: () => void
}

class Undecodable extends Schema.TaggedError<Undecodable>()("Undecodable", { subject: Schema.String }) {
  override get message(): string {
    return `A message on ${this.subject} could not be decoded`
  }
}

class DatabaseAway extends Schema.TaggedError<DatabaseAway>()("DatabaseAway", {}) {
  override get message(): string {
    return "The database is away"
  }
}

const Reading = Schema.Struct({ host: Schema.String, value: Schema.Finite })
type Reading = typeof Reading.Type
const decode = Schema.decodeUnknownEffect(Schema.fromJsonString(Reading))

/** Redelivers what was nakked; done when nothing is left. */
const makeBroker = (messages: ReadonlyArray<{ readonly subject: string; readonly data: string }>) => {
  const tally = { acked: 0, nakked: 0, termed: 0 }
  const waiting = messages.map((message) => ({ ...message, deliveries: 0 }))
  let open = 0
  const settle = (how: keyof typeof tally) => {
    tally[how] += 1
    open -= 1
  }
  const deliver = (message: (typeof waiting)[number]): Delivery => {
    open += 1
    const again = { ...message, deliveries: message.deliveries + 1 }
    return {
      ...again,
      ack: () => settle("acked"),
      term: () => settle("termed"),
      nak: () => {
        settle("nakked")
        waiting.push(again)
      }
    }
  }
  const fetch = (demand: number) =>
    Effect.suspend(() =>
      waiting.length === 0 && open === 0
        ? Effect.fail(Cause.Done())
        : Effect.succeed(waiting.splice(0, demand).map(deliver))
    )
  return { fetch, tally }
}

export const program = Effect.gen(function*() {
  const broker = makeBroker([
    ...Array.from({ length: 250 }, (_, host) => ({
      subject: host % 2 === 0 ? "cpu" : "memory",
      data: JSON.stringify({ host: `host-${host % 5}`, value: host })
    })),
    { subject: "cpu", data: "not JSON" }
  ])
  const stored = new Map<string, Array<Reading>>()
  let writes = 0

  const rows = batcher("rows", {
    size: 100,
    timeout: "100 millis",
    handle: (batch: Batch<Reading>) =>
      Effect.suspend(() => {
        writes += 1
        // The first write finds the database away; its messages come again.
        if (writes === 1) return Effect.fail(new DatabaseAway())
        stored.set(batch.key, [...(stored.get(batch.key) ?? []), ...batch.values])
        return Effect.void
      })
  })

  const acknowledge = ({ ok, rejected }: Outcomes<Delivery, Undecodable | DatabaseAway>) =>
    Effect.sync(() => {
      for (const delivery of ok) delivery.ack()
      for (const { message, outcome } of rejected) {
        const isPoison = outcome._tag === "Failed" && outcome.error._tag === "Undecodable"
        if (isPoison || message.deliveries >= 5) message.term()
        else message.nak()
      }
    })

  yield* Pipeline.run({
    name: "writer",
    producer: Producer.fromPull(broker.fetch),
    batchers: [rows],
    handle: ({ subject, data }) =>
      decode(data).pipe(
        Effect.map((reading) => rows.to(reading, subject)),
        Effect.mapError(() => new Undecodable({ subject }))
      ),
    acknowledge
  })
  return { ...broker.tally, cpu: stored.get("cpu")?.length ?? 0, memory: stored.get("memory")?.length ?? 0 }
})

if (import.meta.main) console.log(await Effect.runPromise(program))
