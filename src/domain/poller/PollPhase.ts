/**
 * When, within the interval, each agent of a large fleet is polled.
 *
 * Thousands of polls at the same instant wait for each other on one processor, and their agents would seem slow. The
 * phase comes from the agent's name alone, so that a new agent in the configuration moves no other.
 */
import { Duration } from "effect"
import { shareOf } from "./StableShare.ts"

/** So many at once are done within some ten milliseconds. */
const fleetMin = 256

export const isLarge = (fleetSize: number): boolean => fleetSize >= fleetMin

/** A small fleet is polled at the same instant, which is easier to follow. */
export const phaseOf = (agentId: string, fleetSize: number, interval: Duration.Duration): Duration.Duration =>
  !isLarge(fleetSize) ? Duration.zero : Duration.millis(Math.floor(shareOf(agentId) * Duration.toMillis(interval)))
