import { Duration, type Option } from "effect"
import type { ServiceName, ServiceType } from "../Ids.ts"

/** How long a check may take when its entry does not say; as existing pollers have it, whatever their interval. */
export const timeoutDefault = Duration.seconds(30)

/** One thing to ask of one agent. */
export interface Check {
  readonly serviceType: ServiceType
  readonly serviceName: ServiceName
  /** The checker's argument. */
  readonly details: string
  /** 0 unless the file says otherwise; sent only for type `port`. */
  readonly port: number
  /** Present for results checks, which ask GetResults or StreamResults and never GetStatus. */
  readonly resultsInterval: Option.Option<Duration.Duration>
  /** How often GetStatus is asked; none: once in each interval of the poller. */
  readonly interval: Option.Option<Duration.Duration>
  /** How long the agent may take to answer GetStatus. */
  readonly timeout: Duration.Duration
}
