/**
 * The clock of the machine, also where a fiber has a test clock: the very one of a fiber that was given none.
 *
 * Deadlines on the wire and the timers of grpc-js run on it, so what is compared with them must too.
 */
import { Clock, Context } from "effect"

export const machineClock: Clock.Clock = Context.get(Context.empty(), Clock.Clock)
