/**
 * Which subscriptions know nothing of a JetStream stream that has come since.
 *
 * The stream that is made for LOGS has `logs.snmp` too, which is EVENTS's. LOGS passes over it, so EVENTS, which was
 * there first and found nothing of the kind, has to look again.
 */
import type { StreamName } from "../../../domain/events/stream/Streams.ts"
import type { FoundStream } from "./JetStreamStreams.ts"

export class OutdatedPlans {
  /** The names of the JetStream streams that a logical one was planned with, or has been told to look for. */
  readonly #known = new Map<StreamName, Set<string>>()
  readonly #outdated = new Set<StreamName>()
  readonly #hasSubjectsOf: (stream: StreamName, jetStream: FoundStream) => boolean

  constructor(hasSubjectsOf: (stream: StreamName, jetStream: FoundStream) => boolean) {
    this.#hasSubjectsOf = hasSubjectsOf
  }

  /** What `stream` is about to be subscribed on. */
  planned(stream: StreamName, found: ReadonlyArray<FoundStream>): void {
    const own = this.#known.get(stream) ?? new Set()
    for (const { name } of found) own.add(name)
    this.#known.set(stream, own)
    this.#outdated.delete(stream)
    for (const [other, names] of this.#known) {
      if (other === stream) continue
      for (const one of found) {
        if (names.has(one.name) || !this.#hasSubjectsOf(other, one)) continue
        // Once for each: a stream that takes from others seems to have any subject, and is not found by it.
        names.add(one.name)
        this.#outdated.add(other)
      }
    }
  }

  isOutdated(stream: StreamName): boolean {
    return this.#outdated.has(stream)
  }
}
