/**
 * What of a call is signed: its method, the certificate of the sender, and the request.
 *
 * A method whose requests are a stream is signed as it is opened, because metadata goes ahead of all messages: that it
 * was opened by the sender, now and once, is then certain, and the messages are as safe as the connection.
 */
import { ByteWriter } from "./ByteWriter.ts"

export interface SignedCall {
  /** `/package.Service/Method`. */
  readonly method: string
  /** SHA-256 of the text in which the certificates travel. */
  readonly certificateDigest: Uint8Array
  /** As serialised, not compressed; none where there is a stream of them. */
  readonly request: Uint8Array | undefined
}

const single = 1
const stream = 2
const none = new Uint8Array()

/** The payload of the signed message: lengths in front of whatever has none of its own. Valid until `writer` is started again. */
export const payload = (
  { certificateDigest, method, request }: SignedCall,
  writer = new ByteWriter()
): Uint8Array =>
  writer.start()
    .text(method)
    .bytes(certificateDigest)
    .byte(request === undefined ? stream : single)
    .bytes(request ?? none)
    .written()
