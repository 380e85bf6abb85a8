/** An agent that is in no configuration file: it came by itself, or was found. */
import { Equal } from "effect"
import type { Check } from "../../monitoring/checks/Check.ts"
import type { AgentId } from "../../monitoring/Ids.ts"

export type ArrivalSource = "registration" | "static" | "dns" | "nats"

export interface Arrival {
  readonly agentId: AgentId
  /** `host:port`. */
  readonly address: string
  readonly source: ArrivalSource
  /** Who it is by its certificate; empty where nobody has shown one. */
  readonly identity: string
  /** Empty where it does not say. */
  readonly version: string
  readonly capabilities: ReadonlyArray<string>
  /** That it asks for itself. */
  readonly checks: ReadonlyArray<Check>
}

export const isSame = (one: Arrival, other: Arrival): boolean => Equal.equals(one, other)
