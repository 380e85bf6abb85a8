/** What carries a request to a source and its answer back, where that is not this machine's network: a simulated world's. */
import { Context, type Effect } from "effect"
import type { SourceError } from "../../../services/sync/SourceError.ts"
import type { Answer, HttpRequest } from "./SourceAnswer.ts"

/** Of the source of that name. One attempt: what repeats it, and how often, is not its concern. */
export type SourceCarrier = (source: string, request: HttpRequest) => Effect.Effect<Answer, SourceError>

/** HTTP over this machine's network where there is none. */
export const Current: Context.Reference<SourceCarrier | undefined> = Context.Reference<SourceCarrier | undefined>(
  "serviceradar-effect/layers/sync/sources/SourceCarrier",
  { defaultValue: () => undefined }
)
