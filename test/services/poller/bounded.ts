/** A connection that keeps its deadlines, as every one has to, whatever its answers do. */
import { type Duration, Effect } from "effect"
import { type AgentConnection, AgentError, TimedOut } from "../../../src/services/poller/AgentClient.ts"

export const bounded = (agentId: AgentError["agentId"], connection: AgentConnection): AgentConnection => {
  const within = <A>(answer: Effect.Effect<A, AgentError>, duration: Duration.Duration) =>
    Effect.timeoutOrElse(answer, {
      duration,
      orElse: () => Effect.fail(new AgentError({ agentId, reason: new TimedOut({ detail: "no answer in time" }) }))
    })
  return {
    ...connection,
    getStatus: (check, deadline) => within(connection.getStatus(check, deadline), deadline),
    getResults: (check, sequence, deadline, completion) =>
      within(connection.getResults(check, sequence, deadline, completion), deadline),
    probe: (deadline) => within(connection.probe(deadline), deadline)
  }
}
