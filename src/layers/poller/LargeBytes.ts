/**
 * Memory of large messages is outside V8's heap: what is not given back at once waits for a collection of the whole heap, and
 * brings that about sooner, for which all agents wait.
 */

/** What Node cuts out of a pool that others have their bytes in is far smaller. */
const bytesMin = 65_536

export const isLarge = ({ byteLength }: Uint8Array): boolean => byteLength >= bytesMin

/**
 * Takes large bytes away from whoever has them. Only where the memory holds nothing else but `before` bytes in front of them:
 * the rest could be somebody's.
 */
export const release = (bytes: Uint8Array, before = 0): void => {
  const { buffer, byteLength, byteOffset } = bytes
  if (!isLarge(bytes) || !(buffer instanceof ArrayBuffer)) return
  if (byteOffset === before && buffer.byteLength === before + byteLength) buffer.transfer(0)
}

/** The same bytes, which are not copied. */
export const asBuffer = ({ buffer, byteLength, byteOffset }: Uint8Array): Buffer =>
  Buffer.from(buffer, byteOffset, byteLength)
