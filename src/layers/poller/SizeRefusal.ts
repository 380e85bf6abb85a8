/**
 * Whether a server refused a message for its size, which smaller ones may pass: the same status says of most servers that
 * they are overloaded, and then the same message is welcome later. The words are those of gRPC's libraries, and ours.
 */
import { Option } from "effect"
import type { GrpcError } from "../grpc/GrpcError.ts"

/** What a limit is called in each of them, its number last. */
const texts: ReadonlyArray<RegExp> = [
  // Go, C++ and Python, Node
  /received message larger than max(?: \(\d+ vs\.? (\d+)\))?/i,
  /received message after decompression larger than max(?: \(?(?:\d+ vs\.? )?(\d+))?/i,
  /received message that decompresses to a size larger than (\d+)/i,
  // Ours
  /received a message of \d+ bytes, at most (\d+) are taken/,
  /received a message that decompresses to more than (\d+) bytes/,
  // Java
  /grpc message exceeds maximum size (\d+)/i,
  // Rust, as OUT_OF_RANGE
  /message length too large: found \d+ bytes, the limit is: (\d+)/i,
  // Before it is sent
  /(?:attempted|trying) to send message (?:with a size )?larger than (?:max \(\d+ vs\.? )?(\d+)/i
]

/** Undefined when it was for something else. */
export const of = ({ _tag, detail }: GrpcError): { readonly bytesMax: Option.Option<number> } | undefined => {
  if (_tag !== "ResourceExhausted" && _tag !== "OutOfRange") return undefined
  for (const text of texts) {
    const found = text.exec(detail)
    if (found === null) continue
    const bytes = Number(found[1] ?? 0)
    return { bytesMax: Number.isSafeInteger(bytes) && bytes > 0 ? Option.some(bytes) : Option.none() }
  }
  return undefined
}
