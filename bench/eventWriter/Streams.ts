/** What JetStream says of the backlog: what waits, and what of it a writer has. */
import type { Servers } from "./Servers.ts"

/** As the writer names those that it makes. */
export const deadLetterStream = "DLQ"

interface Backlog {
  /** Messages that no writer has fetched, or all when there is no consumer yet. */
  readonly pending: number
  /** Messages that no writer has stored. */
  readonly left: number
  /** Deliveries so far, of all consumers. */
  readonly delivered: number
}

const names = async ({ jsm }: Servers): Promise<ReadonlyArray<string>> => {
  const all: Array<string> = []
  for await (const name of jsm.streams.names()) if (name !== deadLetterStream) all.push(name)
  return all
}

const backlogOf = async ({ jsm }: Servers, stream: string): Promise<Backlog> => {
  const consumers = await jsm.consumers.list(stream).next()
  if (consumers.length === 0) {
    const { messages } = (await jsm.streams.info(stream)).state
    return { pending: messages, left: messages, delivered: 0 }
  }
  return {
    pending: consumers.reduce((sum, one) => sum + one.num_pending, 0),
    left: consumers.reduce((sum, one) => sum + one.num_pending + one.num_ack_pending, 0),
    delivered: consumers.reduce((sum, one) => sum + one.delivered.consumer_seq, 0)
  }
}

export const backlog = async (servers: Servers): Promise<Backlog> => {
  const all = await Promise.all((await names(servers)).map((stream) => backlogOf(servers, stream)))
  return {
    pending: all.reduce((sum, { pending }) => sum + pending, 0),
    left: all.reduce((sum, { left }) => sum + left, 0),
    delivered: all.reduce((sum, { delivered }) => sum + delivered, 0)
  }
}

export const messages = async (servers: Servers): Promise<number> => {
  const all = await Promise.all((await names(servers)).map((stream) => servers.jsm.streams.info(stream)))
  return all.reduce((sum, { state }) => sum + state.messages, 0)
}

export const deadLetters = async ({ jsm }: Servers): Promise<number> => {
  const info = await jsm.streams.info(deadLetterStream).catch(() => undefined)
  return info?.state.messages ?? 0
}

/** So that the next writer gets every message again. */
export const forgetConsumers = async (servers: Servers): Promise<void> => {
  for (const stream of await names(servers)) {
    for (const { name } of await servers.jsm.consumers.list(stream).next()) {
      await servers.jsm.consumers.delete(stream, name)
    }
  }
}

export const empty = async (servers: Servers): Promise<void> => {
  await forgetConsumers(servers)
  for (const stream of await names(servers)) await servers.jsm.streams.purge(stream)
  if (await deadLetters(servers) > 0) await servers.jsm.streams.purge(deadLetterStream)
}

export const count = async (servers: Servers): Promise<number> => (await names(servers)).length

export const consumers = async (servers: Servers): Promise<number> => {
  const all = await Promise.all((await names(servers)).map((stream) => servers.jsm.consumers.list(stream).next()))
  return all.reduce((sum, some) => sum + some.length, 0)
}
