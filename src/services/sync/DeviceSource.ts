/**
 * Where devices come from: one value for each configured source.
 *
 * A source delivers pages and fails when it cannot deliver all of them. It decides by its own signs whether a query is
 * over; whether as many devices came as it promised is counted by whoever stores them. What it cannot use of a page it
 * rejects by name: a bad device is no bad page.
 */
import type { Stream } from "effect"
import type { Observation } from "../../domain/inventory/Observation.ts"
import type { SourceContext, SourceKind } from "../../domain/inventory/SourceContext.ts"
import type { SourceError } from "./SourceError.ts"

/** What one page said of one device. */
export interface Sighting {
  /** Unique within the source, ASCII without white space; devices are served in the order of their keys. */
  readonly key: string
  readonly observation: Observation
}

/** A small fixed set: it is also a metric's label. */
export type RejectionReason = "undecodable" | "bad_id" | "no_address" | "bad_address" | "too_long"

export interface Rejection {
  /** Undefined when not even the key can be read. */
  readonly key: string | undefined
  readonly reason: RejectionReason
  /** The element's beginning, for the log. */
  readonly sample: string
}

export interface SourcePage {
  /** Index of the query that the page belongs to. */
  readonly query: number
  readonly sightings: ReadonlyArray<Sighting>
  readonly rejections: ReadonlyArray<Rejection>
  /** Devices of the query, as the source said in this page. */
  readonly total: number | undefined
  /** Given to `pages`, goes on after this page. */
  readonly resume: string
}

export interface DeviceSource {
  readonly kind: SourceKind
  readonly queries: SourceContext["queries"]
  /** Configured names of the queries, for messages. */
  readonly pages: (resume: string | undefined) => Stream.Stream<SourcePage, SourceError>
}
