/**
 * The ids of one message's rows.
 *
 * A record with a time of its own gets its id from what was sent: when its producer sends it again, it is there already. One
 * without is a record of its own each time, told by its place in the stream. An event that names itself is known by that
 * name, whatever else has changed on its way.
 */
import * as crypto from "node:crypto"
import * as IngestId from "../../../domain/events/decode/IngestId.ts"
import type { EventMessage, RowContext } from "../../../domain/events/stream/EventMessage.ts"

const digestOf = (data: string | Uint8Array): string => crypto.hash("md5", data, "hex")

/** Of a message on this subject, without the tenant's prefix. */
export const make = (message: EventMessage, subject: string): RowContext["id"] => {
  const ofPlace = IngestId.make(message.stream, message.sequence, message.storedAtMicros)
  let ofContent: ((index: number) => string) | undefined
  return (index, timeMicros, event) => {
    if (timeMicros === undefined || timeMicros === message.storedAtMicros) return ofPlace(index)
    if (event !== undefined) return IngestId.ofContent(digestOf(event), "")(index)
    ofContent ??= IngestId.ofContent(digestOf(message.data), subject)
    return ofContent(index)
  }
}
