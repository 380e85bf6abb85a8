/** What was last written for each agent, remembered across restarts. */
import { Context, type Effect, Schema } from "effect"
import type { SpoolError } from "./Spool.ts"

export const Told = Schema.Struct({
  /** Of the document; empty when nothing was written yet. */
  sha256: Schema.String,
  /** Unix milliseconds. */
  writtenAt: Schema.Finite,
  /** Keys of the objects that exist, the newest first. */
  objects: Schema.Array(Schema.String)
})
export type Told = typeof Told.Type

export class ToldAgents extends Context.Service<ToldAgents, {
  readonly read: (agentId: string) => Effect.Effect<Told, SpoolError>
  readonly write: (agentId: string, told: Told) => Effect.Effect<void, SpoolError>
}>()("serviceradar-effect/services/sync/ToldAgents") {}
