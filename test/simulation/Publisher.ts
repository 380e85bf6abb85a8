/** What is published for the event writer: straight into the stream, as the way there is not this world's subject. */
import type { World } from "../../src/services/simulation/World.ts"
import type { EventBooks } from "./Books.ts"
import type { Nats } from "./parties/Nats.ts"

/** Every so many messages one is not what can be stored, and one is refused by the table. */
const poisonEvery = 97
const forbiddenEvery = 61

const deep = 2_000

/** No event, whoever reads it. */
const undecodable: ReadonlyArray<Buffer> = [
  Buffer.from(`{"body":`),
  Buffer.from([0xff, 0xfe, 0x00, 0x80]),
  Buffer.alloc(0),
  Buffer.from("[".repeat(deep)),
  Buffer.from("17"),
  Buffer.from([0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x00])
]

/** Texts of an event that databases do not take as they are. */
const hardly: ReadonlyArray<(body: string) => Buffer> = [
  (body) => Buffer.from(`{"body":"nul \\u0000 ${body}"}`),
  (body) => Buffer.from(`{"body":"half \\ud800 ${body}"}`),
  (body) => Buffer.concat([Buffer.from(`{"body":"bytes `), Buffer.from([0xff, 0xc3, 0x28]), Buffer.from(` ${body}"}`)])
]

export interface Published {
  readonly perSecond: number
  readonly untilMillis: number
  /** All kinds of poison; else messages that are cut off. */
  readonly isVaried: boolean
}

export const publish = (
  world: World,
  nats: Nats,
  events: EventBooks,
  { isVaried, perSecond, untilMillis }: Published
): void => {
  const random = world.random.split("publisher")
  const poisons = isVaried ? undecodable : undecodable.slice(0, 1)
  const next = (): void => {
    if (world.nowMillis >= untilMillis) return
    events.published += 1
    const number = events.published
    const body = number % forbiddenEvery === 0 ? `forbidden ${number}` : `line ${number}`
    const round = Math.floor(number / poisonEvery)
    const poison = number % poisonEvery === 0 ? poisons[round % poisons.length] : undefined
    const hard = isVaried && number % poisonEvery === 50 ? hardly[round % hardly.length]?.(body) : undefined
    const { sequence } = nats.stream.publish("logs.app", poison ?? hard ?? Buffer.from(JSON.stringify({ body })))
    if (poison !== undefined) events.undecodable.add(sequence)
    world.after(random.exponential(1_000 / perSecond), next)
  }
  world.after(1_000, next)
}
