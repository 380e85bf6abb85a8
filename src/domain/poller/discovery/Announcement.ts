/** What an agent says of itself, however it says it: judged before anything is made of it. */
import { Effect, Option, Schema } from "effect"
import { type Check, timeoutDefault } from "../../monitoring/checks/Check.ts"
import { AgentId, ServiceName, ServiceType } from "../../monitoring/Ids.ts"
import * as CleanText from "../../monitoring/reports/CleanText.ts"
import type { Arrival } from "./Arrival.ts"

const text = (charactersMax: number) => Schema.String.check(Schema.isMaxLength(charactersMax))
const Port = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 65_535 }))

/**
 * Not every database and no JSON reader of core takes each text that travels. And nobody knows who it is that announces
 * itself: what it is called stands in lines of the log.
 */
const isClean = Schema.makeFilter((name: string) =>
  (CleanText.isKept(name) && !CleanText.hasControls(name)) || "a name without control characters"
)

const OfferedCheck = Schema.Struct({
  serviceType: ServiceType.check(isClean),
  serviceName: ServiceName.check(isClean),
  details: text(4_096),
  port: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 65_535 }))
})

const checksMax = 100
const capabilitiesMax = 64

const { details, port } = OfferedCheck.fields

/** As JSON has them, where what says nothing is left out. */
export const BriefChecks = Schema.Array(Schema.Struct({
  ...OfferedCheck.fields,
  details: details.pipe(Schema.withDecodingDefaultTypeKey(Effect.succeed(""))),
  port: port.pipe(Schema.withDecodingDefaultTypeKey(Effect.succeed(0)))
})).check(Schema.isMaxLength(checksMax))

export const Announcement = Schema.Struct({
  agentId: AgentId.check(isClean),
  port: Port,
  version: text(128),
  capabilities: Schema.Array(text(64)).check(Schema.isMaxLength(capabilitiesMax)),
  checks: Schema.Array(OfferedCheck).check(Schema.isMaxLength(checksMax))
})
export type Announcement = typeof Announcement.Type

export const toArrival = (
  { agentId, capabilities, checks, version }: Omit<Announcement, "port">,
  reached: Pick<Arrival, "address" | "identity" | "source">
): Arrival => ({
  agentId,
  version,
  capabilities,
  checks: checks.map((check): Check => ({
    ...check,
    resultsInterval: Option.none(),
    interval: Option.none(),
    timeout: timeoutDefault
  })),
  ...reached
})
