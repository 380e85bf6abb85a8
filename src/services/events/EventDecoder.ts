/** Decodes messages into rows, as the operator wants them: default tenant, flow table, rule engine. */
import { Context } from "effect"
import type { Decode } from "../../domain/events/decode/Decode.ts"

export class EventDecoder extends Context.Service<EventDecoder, {
  readonly decode: Decode
}>()("serviceradar/services/event-writer/EventDecoder") {}
