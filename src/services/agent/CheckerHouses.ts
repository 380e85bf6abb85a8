/**
 * The supervisors of the checkers, one for each kind that is kept in a way of its own, so that what gives up of one kind
 * takes none of another along.
 *
 *   SnmpChecker      devices are slow to let go of: five seconds
 *   PortChecker      keeps nothing between two checks: one that breaks is begun anew by whoever asks again
 *   ProcessChecker   restarted when it breaks
 *   OtherCheckers    likewise
 */
import { Duration } from "effect"
import type { Restart } from "../../domain/supervision/ChildExit.ts"
import * as Supervisor from "../supervision/Supervisor.ts"

export interface CheckerHouse {
  readonly supervisor: Supervisor.DynamicSupervisor<never>
  readonly restart: Restart
  /** What a checker may take to let go of what it holds before it is left behind. */
  readonly shutdown: Duration.Duration
}

const rows = [
  { id: "SnmpChecker", serviceType: "snmp", restart: "transient", shutdown: Duration.seconds(5) },
  { id: "PortChecker", serviceType: "port", restart: "temporary", shutdown: Duration.seconds(1) },
  { id: "ProcessChecker", serviceType: "process", restart: "transient", shutdown: Duration.seconds(1) }
] as const

const others = { id: "OtherCheckers", restart: "transient", shutdown: Duration.seconds(1) } as const

/** Between a checker's end and its next start. */
export const restartPause = Duration.millis(100)

export interface CheckerHouses {
  readonly supervisors: ReadonlyArray<Supervisor.DynamicSupervisor<never>>
  readonly of: (serviceType: string) => CheckerHouse
}

type Row = Omit<CheckerHouse, "supervisor"> & { readonly id: string }

const houseOf = ({ id, restart, shutdown }: Row, checkersMax: number): CheckerHouse => ({
  restart,
  shutdown,
  supervisor: Supervisor.dynamicUnsafe<never>({
    id,
    // Beside those that work, those that are about to end.
    maxChildren: 2 * checkersMax,
    // No checker restarts twice within one pause, so they can never use this up together: a hundred broken checkers must
    // not end the healthy ones.
    intensity: { maxRestarts: 2 * checkersMax, period: restartPause }
  })
})

export const make = (checkersMax: number): CheckerHouses => {
  const byType = new Map<string, CheckerHouse>(rows.map((row) => [row.serviceType, houseOf(row, checkersMax)]))
  const rest = houseOf(others, checkersMax)
  return {
    supervisors: [...byType.values(), rest].map(({ supervisor }) => supervisor),
    of: (serviceType) => byType.get(serviceType) ?? rest
  }
}
