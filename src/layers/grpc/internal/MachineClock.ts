/**
 * The clock of the machine, also where a fiber has a test clock.
 *
 * Deadlines on the wire and the timers of grpc-js run on it, so what is compared with them must too.
 */
import { Clock } from "effect"

export const machineClock: Clock.Clock = Clock.Clock.defaultValue()
