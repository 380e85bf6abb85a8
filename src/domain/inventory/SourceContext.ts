/**
 * What all devices of one run of one source have in common. Kept with the run, so that what is served later looks as it
 * did then, also when the configuration has changed meanwhile.
 */
import { Schema } from "effect"

/** How a type of source appears in device updates and sweep configs. */
export const SourceKind = Schema.Struct({
  /** `type` in the configuration, and `integration_type` in metadata. */
  type: Schema.String,
  /** `source` of a device update: one of the values that core knows. */
  source: Schema.String,
  /** Metadata key of the source's id beside `integration_id`: what core takes for a strong identifier. */
  idKey: Schema.optionalKey(Schema.String),
  /** Whether core is given `<partition>:<ip>` as device id; otherwise it is empty. */
  hasDeviceId: Schema.Boolean,
  /** Whether metadata lists all addresses. */
  hasAddressList: Schema.Boolean,
  /** Present when devices carry the labels of the queries that found them; the label of a device without any. */
  labelDefault: Schema.optionalKey(Schema.String),
  /** A device becomes a target of its own in the sweep config, or a network. */
  sweepsAs: Schema.Literals(["device_targets", "networks"])
})
export type SourceKind = typeof SourceKind.Type

export const SourceContext = Schema.Struct({
  name: Schema.String,
  kind: SourceKind,
  /** Base address: ids of two sources mean the same only when they come from the same place. */
  endpoint: Schema.String,
  agentId: Schema.String,
  pollerId: Schema.String,
  partition: Schema.String,
  /** By index of the query. */
  queries: Schema.Array(Schema.Struct({ label: Schema.String, sweepModes: Schema.Array(Schema.String) })),
  /** When the run was made, RFC 3339. */
  timestamp: Schema.String,
  /** What was asked of the source: two runs tell what is gone only when both asked the same. */
  question: Schema.optionalKey(Schema.String),
  /** Whether a device of the run can be found by its identifiers. */
  isIdentified: Schema.optionalKey(Schema.Boolean)
})
export type SourceContext = typeof SourceContext.Type

const sortedDistinct = (values: ReadonlyArray<string>): ReadonlyArray<string> => [...new Set(values)].toSorted()

/** The labels of these queries as metadata has them: sorted, joined by commas. */
export const labelOf = (context: SourceContext, queries: ReadonlyArray<number>): string => {
  const labels = queries.map((index) => context.queries[index]?.label ?? "").filter((label) => label !== "")
  return labels.length === 0 ? context.kind.labelDefault ?? "" : sortedDistinct(labels).join(",")
}

export const sweepModesOf = (context: SourceContext, queries: ReadonlyArray<number>): ReadonlyArray<string> =>
  sortedDistinct(queries.flatMap((index) => context.queries[index]?.sweepModes ?? []))
