/**
 * How many file descriptors this process may have, and what of it connections may take.
 *
 * Node raises the limit to what the system allows at most as it starts, so this is `ulimit -Hn`.
 */
import * as fs from "node:fs"

/** Beyond so many connections memory is what is short. */
const connectionsCeiling = 16_384
const connectionsFloor = 8
/** For the database, NATS, files, checks in progress and health: half of little, else so many. */
const reserveMax = 128

const readLimit = (): number => {
  try {
    const text = fs.readFileSync("/proc/self/limits", "utf8")
    const soft = /^Max open files\s+(\d+|unlimited)/m.exec(text)?.[1]
    return soft === undefined || soft === "unlimited" ? Number.POSITIVE_INFINITY : Number(soft)
  } catch {
    return Number.POSITIVE_INFINITY
  }
}

/** For listeners, the database, files and the event loop, of a process that keeps connections to many others. */
const ownMin = 64
const ownShare = 0.1

/** Connections that may be kept open to others. */
export const connectionsOutMaxOf = (limit: number = readLimit()): number =>
  Number.isFinite(limit)
    ? Math.max(connectionsFloor, Math.floor(limit - Math.min(limit / 2, Math.max(ownMin, limit * ownShare))))
    : limit

/** Connections that a listener with this share may have. */
export const connectionsMaxOf = (share: number, limit: number = readLimit()): number => {
  const free = limit - Math.min(reserveMax, limit / 2)
  return Math.max(connectionsFloor, Math.min(connectionsCeiling, Math.floor(free * share)))
}
