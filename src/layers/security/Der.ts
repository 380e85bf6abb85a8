/**
 * The part of DER, the encoding of certificates, that writing one needs.
 *
 * Written here because the package that issues certificates brings twenty others and a global polyfill for these few
 * structures. Reading is left to Node.
 */

const length = (bytes: number): Uint8Array => {
  if (bytes < 0x80) return Uint8Array.of(bytes)
  const digits = Buffer.from(bytes.toString(16).padStart(2 * Math.ceil(bytes.toString(16).length / 2), "0"), "hex")
  return Buffer.concat([Uint8Array.of(0x80 | digits.length), digits])
}

/** A value with its tag and length in front. */
export const tagged = (tag: number, ...parts: ReadonlyArray<Uint8Array>): Buffer => {
  const content = Buffer.concat(parts)
  return Buffer.concat([Uint8Array.of(tag), length(content.length), content])
}

export const sequence = (...parts: ReadonlyArray<Uint8Array>): Buffer => tagged(0x30, ...parts)

export const set = (...parts: ReadonlyArray<Uint8Array>): Buffer => tagged(0x31, ...parts)

/** Constructed, in the context of the structure that it is part of. */
export const explicit = (position: number, ...parts: ReadonlyArray<Uint8Array>): Buffer =>
  tagged(0xa0 | position, ...parts)

/** Primitive, in the context of the structure that it is part of. */
export const implicit = (position: number, content: Uint8Array): Buffer => tagged(0x80 | position, content)

/** Of a positive number, given as its bytes. */
export const integer = (bytes: Uint8Array): Buffer => {
  const first = bytes.findIndex((byte) => byte !== 0)
  const digits = first === -1 ? Uint8Array.of(0) : bytes.subarray(first)
  const isNegative = (digits[0] ?? 0) >= 0x80
  return tagged(0x02, isNegative ? Buffer.concat([Uint8Array.of(0), digits]) : digits)
}

export const boolean = (value: boolean): Buffer => tagged(0x01, Uint8Array.of(value ? 0xff : 0))

const base128 = (value: number): ReadonlyArray<number> => {
  const digits = [value & 0x7f]
  for (let rest = value >>> 7; rest > 0; rest >>>= 7) digits.unshift((rest & 0x7f) | 0x80)
  return digits
}

/** `1.2.840.10045.4.3.2` */
export const objectId = (dotted: string): Buffer => {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number)
  return tagged(0x06, Uint8Array.from([first * 40 + second, ...rest].flatMap(base128)))
}

export const utf8 = (text: string): Buffer => tagged(0x0c, Buffer.from(text, "utf8"))

export const octets = (content: Uint8Array): Buffer => tagged(0x04, content)

/** `unused` bits at the end do not count. */
export const bits = (content: Uint8Array, unused = 0): Buffer => tagged(0x03, Uint8Array.of(unused), content)

/** Two digits of year until 2049, four from then on, as certificates have it; whole seconds, UTC. */
export const time = (millis: number): Buffer => {
  const digits = new Date(millis).toISOString().replaceAll(/[-:T]|\.\d+/g, "")
  return digits < "2050" ? tagged(0x17, Buffer.from(digits.slice(2))) : tagged(0x18, Buffer.from(digits))
}

export const pem = (label: string, der: Uint8Array): string => {
  const lines = Buffer.from(der).toString("base64").match(/.{1,64}/g) ?? []
  return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`
}
