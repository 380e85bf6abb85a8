/**
 * Which subscriptions know nothing of a JetStream stream that has come since.
 *
 * The stream that is made for LOGS has `logs.snmp` too, which is EVENTS's. LOGS passes over it, so EVENTS, which was
 * there first and found nothing of the kind, has to look again.
 */
import type { StreamName } from "../../../domain/events/stream/Streams.ts"
import type { FoundStream } from "./JetStreamStreams.ts"

export class OutdatedPlans {
  /** The names of the JetStream streams that were found for a logical one. */
  readonly #found = new Map<StreamName, ReadonlySet<string>>()
  readonly #outdated = new Set<StreamName>()
  readonly #hasSubjectsOf: (stream: StreamName, jetStream: FoundStream) => boolean

  constructor(hasSubjectsOf: (stream: StreamName, jetStream: FoundStream) => boolean) {
    this.#hasSubjectsOf = hasSubjectsOf
  }

  /** What `stream` is about to be subscribed on. */
  planned(stream: StreamName, found: ReadonlyArray<FoundStream>): void {
    for (const [other, names] of this.#found) {
      if (other !== stream && found.some((one) => !names.has(one.name) && this.#hasSubjectsOf(other, one))) {
        this.#outdated.add(other)
      }
    }
    this.#found.set(stream, new Set(found.map(({ name }) => name)))
    this.#outdated.delete(stream)
  }

  isOutdated(stream: StreamName): boolean {
    return this.#outdated.has(stream)
  }
}
