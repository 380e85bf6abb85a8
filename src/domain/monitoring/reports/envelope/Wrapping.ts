/**
 * How an agent's message becomes the one that core is sent. All that is needed beside its bytes is plain data, which
 * another thread can be given: reading a message of megabytes takes tens of milliseconds.
 */
import { Option } from "effect"
import * as Enrichment from "./Enrichment.ts"
import * as Envelope from "./Envelope.ts"

export interface Wrapping {
  readonly ids: Envelope.EnvelopeIds
  /** Undefined where nothing is added to messages. */
  readonly target: Enrichment.Target | undefined
  /** Inventories are bare arrays of devices that know their own addresses, too large to be read for nothing. */
  readonly isInventory: boolean
}

const decoder = new TextDecoder()

/** A message is read once, however large. */
export const wrap = ({ ids, isInventory, target }: Wrapping, message: Uint8Array): Uint8Array => {
  if (isInventory) return Envelope.wrap(ids, message)
  const text = decoder.decode(message)
  return Option.match(Enrichment.enrich(Option.fromUndefinedOr(target), text), {
    onNone: () => Envelope.wrapText(ids, text),
    onSome: (found) =>
      found._tag === "Added" && Envelope.isKept(ids, message, text)
        ? Envelope.wrapBytes(ids, message, found.tail)
        : Envelope.wrapJson(ids, Enrichment.jsonOf(found, text))
  })
}
