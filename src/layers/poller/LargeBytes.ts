/**
 * Memory of large messages is outside V8's heap: what is not given back at once waits for a collection of the whole heap, and
 * brings that about sooner, for which all agents wait.
 */

/** What Node cuts out of a pool that others have their bytes in is far smaller. */
const bytesMin = 65_536

export const isLarge = ({ byteLength }: Uint8Array): boolean => byteLength >= bytesMin

/** What may stand around a message in the frame that it came in. */
const aroundMax = 1_024

/** Whether nobody else has bytes in the same memory, as of what is large and fills it. */
export const isAlone = (bytes: Uint8Array): boolean => {
  const { buffer, byteLength } = bytes
  return isLarge(bytes) && buffer instanceof ArrayBuffer && buffer.byteLength - byteLength <= aroundMax
}

/** Takes large bytes away from whoever has them, where nobody else has bytes in the same memory but for the frame around them. */
export const releaseAlone = (bytes: Uint8Array): void => {
  const { buffer } = bytes
  if (isAlone(bytes) && buffer instanceof ArrayBuffer) buffer.transfer(0)
}

/** Takes large bytes away from whoever has them, where they fill their memory; the rest of it could be somebody's. */
export const release = (bytes: Uint8Array): void => {
  const { buffer, byteLength } = bytes
  if (isLarge(bytes) && buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0)
}

/** The same bytes, which are not copied. */
export const asBuffer = ({ buffer, byteLength, byteOffset }: Uint8Array): Buffer =>
  Buffer.from(buffer, byteOffset, byteLength)
