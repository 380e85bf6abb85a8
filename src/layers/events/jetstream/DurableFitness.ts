/** Whether a durable that somebody else has made or changed can serve the writer at all. */
import { AckPolicy, type ConsumerConfig } from "@nats-io/jetstream"

export interface FoundDurable {
  readonly config: Partial<ConsumerConfig>
  readonly paused?: boolean | undefined
}

const otherwise = "delete it or choose another consumer name"

/** What is wrong, as the rest of a sentence that begins with the consumer; none when it serves. */
export const problem = ({ config, paused }: FoundDurable): string | undefined => {
  if (config.deliver_subject !== undefined) return `exists as a push consumer: ${otherwise}`
  if (config.ack_policy !== AckPolicy.Explicit) return `exists with ack policy ${config.ack_policy}: ${otherwise}`
  if (config.headers_only === true) return `exists with headers only, so that no message has a payload: ${otherwise}`
  const groups = config.priority_groups ?? []
  if (groups.length > 0) return `exists with priority groups (${groups.join(", ")}): ${otherwise}`
  return paused === true ? `is paused until ${config.pause_until ?? "further notice"}` : undefined
}
