/**
 * What decoding takes for each shape of message, from its bytes to its rows: of this checkout and, in turns, of another.
 *
 *   npm run bench -- decode [--against CHECKOUT] [--rounds 15] [--millis 30] [--shape "GELF log"]
 *
 * The mean is that of the mix that `event-writer` drains. What is made of a row when it is sent, such as the document of
 * a flow, is not in it.
 */
import { existsSync } from "node:fs"
import * as path from "node:path"
import { pathToFileURL } from "node:url"
import type { Decode } from "../src/domain/events/decode/Decode.ts"
import type { EventMessage } from "../src/domain/events/stream/EventMessage.ts"
import * as EventDecoder from "../src/layers/events/decode/EventDecoder.ts"
import { mixed, momentOf, type Sample, shapes } from "./peers/EventSamples.ts"
import type { Row } from "./Table.ts"

interface DecoderModule {
  readonly make: (options: { readonly tenantDefault: string }) => Decode
}

const isDecoder = (module: unknown): module is DecoderModule =>
  typeof module === "object" && module !== null && "make" in module && typeof module.make === "function"

const options = { tenantDefault: "default" }

/** Where checkouts have it, the newest first. */
const places = ["src/layers/events/decode/EventDecoder.ts", "src/layers/events/EventDecoder.ts"]

const decoderOf = async (checkout: string): Promise<Decode> => {
  const file = places.map((place) => path.join(checkout, place)).find(existsSync)
  if (file === undefined) throw new Error(`${checkout} has none of ${places.join(", ")}`)
  const module: unknown = await import(pathToFileURL(file).href)
  if (!isDecoder(module)) throw new Error(`${file} exports no make`)
  return module.make(options)
}

const messageOf = ({ data, subject }: Sample): EventMessage => ({
  subject,
  data,
  headers: new Map(),
  stream: "events",
  sequence: 1,
  storedAtMicros: momentOf(0) + 1_000_000
})

const check = (decode: Decode, name: string, message: EventMessage) => {
  const decoded = decode(message)
  if (decoded._tag === "Failure") throw new Error(`${name}: ${decoded.failure.message}`)
}

/** Microseconds of this thread's processor time for a message: other work on the machine does not count. */
const measure = (decode: Decode, message: EventMessage, millis: number): number => {
  const start = process.threadCpuUsage()
  let count = 0
  let micros = 0
  while (micros < millis * 1000) {
    for (let at = 0; at < 100; at++) decode({ ...message, sequence: count + at })
    count += 100
    const { system, user } = process.threadCpuUsage(start)
    micros = system + user
  }
  return micros / count
}

const median = (values: ReadonlyArray<number>): number =>
  values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)] ?? 0

/** Of the mix, from what each of its samples takes. */
const meanOf = (micros: ReadonlyMap<Sample, number>): number => {
  let sum = 0
  let shares = 0
  for (const { samples, share } of mixed) {
    sum += share * samples.reduce((all, sample) => all + (micros.get(sample) ?? Number.NaN), 0) / samples.length
    shares += share
  }
  return sum / shares
}

const rounded = (value: number): number => Math.round(value * 100) / 100

export const run = async (
  given: ReadonlyMap<string, string>
): Promise<{ readonly rows: ReadonlyArray<Row>; readonly result: object }> => {
  const against = given.get("against")
  const only = given.get("shape")
  const rounds = Number(given.get("rounds") ?? 15)
  const millis = Number(given.get("millis") ?? 30)
  const decoders: ReadonlyArray<readonly [name: string, decode: Decode]> = [
    ...against === undefined ? [] : [["before", await decoderOf(path.resolve(against))] as const],
    ["now", EventDecoder.make(options)]
  ]
  const chosen = Object.entries(shapes).filter(([name]) => only === undefined || name === only)
  const taken = new Map(decoders.map(([name]) => [name, new Map<Sample, Array<number>>()]))
  // The first rounds are the compiler's.
  for (let round = -3; round < rounds; round++) {
    for (const [name, sample] of chosen) {
      const message = messageOf(sample)
      for (const [side, decode] of decoders) {
        check(decode, name, message)
        const micros = measure(decode, message, millis)
        const all = taken.get(side)
        if (round >= 0) all?.set(sample, [...all.get(sample) ?? [], micros])
      }
    }
  }
  const medians = new Map(
    Array.from(taken, ([side, all]) => [side, new Map(Array.from(all, ([sample, values]) => [sample, median(values)]))])
  )
  const line = (what: string, of: (micros: ReadonlyMap<Sample, number>) => number) => {
    const sides = Array.from(medians, ([side, micros]) => [side, rounded(of(micros))] as const)
    const [before = 0, now = before] = sides.map(([, micros]) => micros)
    return {
      rows: [
        ...sides.map(([side, value]): Row => ({ what: `${what}: ${side}`, value, unit: "µs/message" })),
        ...sides.length < 2 ? [] : [{ what: `${what}: now of before`, value: 100 * now / before, unit: "%" }]
      ],
      result: [what, Object.fromEntries(sides)] as const
    }
  }
  const lines = [
    ...chosen.map(([name, sample]) => line(name, (micros) => micros.get(sample) ?? Number.NaN)),
    ...only === undefined ? [line("mean of the mix", meanOf)] : []
  ]
  return { rows: lines.flatMap(({ rows }) => rows), result: Object.fromEntries(lines.map(({ result }) => result)) }
}
