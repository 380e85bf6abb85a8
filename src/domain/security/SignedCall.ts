/**
 * What of a call is signed: its method, the certificate of the sender, and the request.
 *
 * A method whose requests are a stream is signed as it is opened, because metadata goes ahead of all messages: that it
 * was opened by the sender, now and once, is then certain, and the messages are as safe as the connection.
 */
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

/** The payload of the signed message: lengths in front of whatever has none of its own. */
export const payload = ({ certificateDigest, method, request }: SignedCall): Uint8Array => {
  const name = new TextEncoder().encode(method)
  const bytes = new Uint8Array(4 + name.length + certificateDigest.length + 1 + (request?.length ?? 0))
  new DataView(bytes.buffer).setUint32(0, name.length)
  bytes.set(name, 4)
  bytes.set(certificateDigest, 4 + name.length)
  const at = 4 + name.length + certificateDigest.length
  bytes[at] = request === undefined ? stream : single
  if (request !== undefined) bytes.set(request, at + 1)
  return bytes
}
