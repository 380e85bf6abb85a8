/**
 * All that a source said of one device in one run, however often and in whatever order.
 *
 * A record is a set of observations and a set of queries, and merging is union: pages in any partition, in any order
 * and with any repetitions come to the same record. What the device looks like is decided only when it is read:
 * newest observation first, empty fields filled from older ones, addresses and tags of all of them.
 */
import { Result, Schema } from "effect"
import * as PrintableText from "../config/PrintableText.ts"
import { Observation } from "./Observation.ts"

/** Of one device in one run; of more, the newest are kept. */
const observationsMax = 8

export const DeviceRecord = Schema.Struct({
  /** Newest first, no two alike. */
  observations: Schema.NonEmptyArray(Observation),
  /** Indexes of the queries that found it, ascending. */
  queries: Schema.Array(Schema.Int)
})
export type DeviceRecord = typeof DeviceRecord.Type

/** What becomes of a record. */
export interface Device extends Observation {
  readonly queries: ReadonlyArray<number>
}

/** The text that stands for a record on disk: equal records have equal texts. */
export const encode = (record: DeviceRecord): string => JSON.stringify([record.queries, ...record.observations])

const Encoded = Schema.fromJsonString(
  Schema.TupleWithRest(Schema.Tuple([Schema.Array(Schema.Int), Observation]), [Observation])
)

const decodeText = Schema.decodeUnknownResult(Encoded)

/** Reads what `encode` wrote. */
export const decode = (text: string) => decodeText(text)

export const fromTuple = ([queries, first, ...others]: typeof Encoded.Type): DeviceRecord => ({
  queries,
  observations: [first, ...others]
})

const compareText = (left: string, right: string): number => left < right ? -1 : left > right ? 1 : 0

const newestFirst = (left: Observation, right: Observation): number =>
  right.seenAt - left.seenAt || compareText(JSON.stringify(left), JSON.stringify(right))

const distinct = <A>(values: ReadonlyArray<A>): ReadonlyArray<A> => [...new Set(values)]

/** Metadata in the order of its keys, so that equal observations have equal texts. */
const normalised = (observation: Observation): Observation => ({
  id: observation.id,
  ips: observation.ips,
  hostname: observation.hostname,
  mac: observation.mac,
  tags: observation.tags,
  seenAt: observation.seenAt,
  metadata: Object.fromEntries(
    Object.entries(observation.metadata).toSorted(([left], [right]) => compareText(left, right))
  ),
  networks: observation.networks,
  isDevice: observation.isDevice
})

/** The record of one observation. */
export const make = (observation: Observation, query: number): DeviceRecord => ({
  observations: [normalised(observation)],
  queries: [query]
})

/** Union: associative, commutative, and merging a record with itself changes nothing. */
export const merge = (left: DeviceRecord, right: DeviceRecord): DeviceRecord => {
  const byText = new Map([...left.observations, ...right.observations].map((one) => [JSON.stringify(one), one]))
  const [first = left.observations[0], ...others] = [...byText.values()].toSorted(newestFirst).slice(0, observationsMax)
  return {
    observations: [first, ...others],
    queries: distinct([...left.queries, ...right.queries]).toSorted((a, b) => a - b)
  }
}

/** The newest list as it is, then what only older ones have, sorted. */
const united = (lists: ReadonlyArray<ReadonlyArray<string>>): ReadonlyArray<string> => {
  const [newest = [], ...older] = lists
  return distinct([...newest, ...older.flat().toSorted(compareText)])
}

const firstFilled = (values: ReadonlyArray<string>): string => values.find((value) => value !== "") ?? ""

/** The device that a record describes. */
export const resolve = ({ observations, queries }: DeviceRecord): Device => {
  const [newest] = observations
  if (observations.length === 1) return { ...newest, queries }
  const [primary] = newest.ips
  return {
    ...newest,
    queries,
    ips: [primary, ...united(observations.map(({ ips }) => ips)).filter((ip) => ip !== primary)],
    hostname: firstFilled(observations.map(({ hostname }) => hostname)),
    mac: firstFilled(observations.map(({ mac }) => mac)),
    tags: united(observations.map(({ tags }) => tags)),
    metadata: observations.reduceRight<Record<string, string>>(
      (merged, { metadata }) => ({
        ...merged,
        ...Object.fromEntries(Object.entries(metadata).filter(([key, value]) => value !== "" || !(key in merged)))
      }),
      {}
    ),
    networks: united(observations.map(({ networks }) => networks))
  }
}

/** In characters. */
const titleMax = 100

/** A record as a person knows the device: `7 printer-7 192.0.2.7`; its key when it cannot be read. */
export const title = ({ key, text }: { readonly key: string; readonly text: string }): string =>
  Result.match(decode(text), {
    onFailure: () => key,
    onSuccess: (tuple) => {
      const { hostname, id, ips: [ip], isDevice, networks: [network] } = resolve(fromTuple(tuple))
      const address = isDevice ? ip : network ?? ip
      const parts = [id, hostname, address].filter((part) => part !== "")
      return PrintableText.shortened([...new Set(parts)].join(" "), titleMax)
    }
  })
