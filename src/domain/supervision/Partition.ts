/**
 * Which of n partitions a key belongs to. Depends on nothing but key and n, so the same key finds the same partition in
 * every process and after every restart.
 */
import * as Hash from "effect/Hash"

export type PartitionKey = string | number | bigint

/** Whole numbers by their remainder, so neighbours spread evenly; everything else by its hash. */
export const partitionOf = (key: PartitionKey, partitions: number): number => {
  if (typeof key === "bigint") return Number((key < 0n ? -key : key) % BigInt(partitions))
  if (typeof key === "number" && Number.isInteger(key)) return Math.abs(key) % partitions
  const hash = typeof key === "string" ? Hash.string(key) : Hash.number(key)
  return Math.abs(hash) % partitions
}

/** Whether `partitions` is a size that something started with `partitionsMax` partitions can take. */
export const isSize = (partitions: number, partitionsMax: number): boolean =>
  Number.isInteger(partitions) && partitions >= 1 && partitions <= partitionsMax
