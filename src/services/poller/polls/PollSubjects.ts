/** What each check is about, kept from one poll to the next. */
import type { AgentHost } from "../../../domain/monitoring/reports/envelope/Enrichment.ts"
import type * as PolledStatus from "../../../domain/monitoring/reports/PolledStatus.ts"
import type * as AgentLink from "../AgentLink.ts"

interface Subject {
  readonly subject: PolledStatus.PollSubject
  readonly atMillis: number
}

/** The same object for as long as what it says: much is made of it once. */
const subjects = new WeakMap<AgentLink.TrackedCheck, Subject>()

/** After which the agent's host is looked up again. */
const knownMillis = 60_000

/** Undefined when it is to be made anew. */
export const known = (
  { terms: { agent, poller } }: AgentLink.AgentLink,
  tracked: AgentLink.TrackedCheck,
  nowMillis: number
): PolledStatus.PollSubject | undefined => {
  const last = subjects.get(tracked)
  if (last === undefined || Math.abs(nowMillis - last.atMillis) > knownMillis) return undefined
  return last.subject.poller === poller && last.subject.agentId === agent.agentId ? last.subject : undefined
}

export const make = (
  { terms: { agent: { agentId }, poller } }: AgentLink.AgentLink,
  tracked: AgentLink.TrackedCheck,
  host: AgentHost,
  atMillis: number
): PolledStatus.PollSubject => {
  const before = subjects.get(tracked)?.subject
  const isSame = before !== undefined && before.host === host && before.poller === poller && before.agentId === agentId
  const subject = isSame ? before : { poller, agentId, host, check: tracked.check, source: "getStatus" as const }
  subjects.set(tracked, { subject, atMillis })
  return subject
}
