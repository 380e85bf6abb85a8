/**
 * What an agent's answers say of a target that is not well.
 *
 * `truthful`: `available` is what the check found. `go`: it is true for whatever came of the check, as the agent of
 * ServiceRadar v1.0.76 has it, with what is wrong in the message. A core of that version takes one false for an unhealthy
 * poller, and then no longer tells when that poller goes offline. A check that cannot be made is not available either way:
 * the Go agent answers it with an empty status.
 */
import { Schema } from "effect"

export const Availability = Schema.Literals(["truthful", "go"])
export type Availability = typeof Availability.Type

/** `found` is what the check found; undefined when none could be made. */
export const reported = (availability: Availability, found: boolean | undefined): boolean =>
  found !== undefined && (found || availability === "go")
