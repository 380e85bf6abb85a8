/** Which of `count` lanes a key belongs to: an integer by its remainder, as in OTP's PartitionSupervisor, else by hash. */
import { Hash } from "effect"

export const laneOf = (key: string | number, count: number): number =>
  Math.abs(typeof key === "number" && Number.isSafeInteger(key) ? key : Hash.string(String(key))) % count
