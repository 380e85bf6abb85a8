/**
 * When, within the interval, each agent of a large fleet is polled.
 *
 * Thousands of polls at the same instant wait for each other on one processor, and their agents would seem slow. The
 * phase comes from the agent's name alone, so that a new agent in the configuration moves no other.
 */
import { Duration } from "effect"

/** So many at once are done within some ten milliseconds. */
const fleetMin = 256

export const isLarge = (fleetSize: number): boolean => fleetSize >= fleetMin

/** A small fleet is polled at the same instant, which is easier to follow. */
export const phaseOf = (agentId: string, fleetSize: number, interval: Duration.Duration): Duration.Duration =>
  !isLarge(fleetSize) ? Duration.zero : Duration.millis(Math.floor(fraction(agentId) * Duration.toMillis(interval)))

/** FNV-1a, mixed once more because names that differ in the last digit only would lie side by side. */
const fraction = (text: string): number => {
  let hash = 0x811c9dc5
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  return ((hash ^ (hash >>> 13)) >>> 0) / 2 ** 32
}
