/** How a client is named: `address:port`, or `unix`. */

/** A server on both families sees IPv4 clients under these. */
const mapped = /^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i

export const peerOf = (address: string | undefined, port: number | undefined): string => {
  if (address === undefined || port === undefined) return "unix"
  const plain = address.replace(mapped, "")
  return plain.includes(":") ? `[${plain}]:${port}` : `${plain}:${port}`
}
