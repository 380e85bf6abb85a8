/**
 * Reads the single values of one object, and remembers the first that is there and cannot be read: then the object gives
 * no row, for any value in its place would be made up.
 */
import type { Problem } from "./DecodeError.ts"
import * as Scalar from "./Scalar.ts"

export class Reading {
  /** Its path begins with the key as the schema spells it. */
  problem: Problem | undefined

  refuse(key: string, reason: string): null {
    this.problem ??= { path: [key], reason }
    return null
  }

  /** Null for what the publisher leaves open. */
  read<A>(
    key: string,
    value: Scalar.Scalar,
    reader: (value: Scalar.Scalar) => A | undefined,
    expected: string
  ): A | null {
    if (Scalar.isUnset(value)) return null
    return reader(value) ?? this.refuse(key, `expected ${expected}, got ${show(value)}`)
  }

  float8(key: string, value: Scalar.Scalar): number | null {
    return this.read(key, value, Scalar.float8, "a number")
  }

  int4(key: string, value: Scalar.Scalar): number | null {
    return this.read(key, value, Scalar.int4, "a whole number of at most 32 bits")
  }

  int8(key: string, value: Scalar.Scalar): bigint | null {
    return this.read(key, value, Scalar.int8, "a whole number")
  }

  count(key: string, value: Scalar.Scalar): bigint | null {
    return this.read(key, value, Scalar.count, "a whole number that is not negative")
  }

  boolean(key: string, value: Scalar.Scalar): boolean | null {
    return this.read(key, value, Scalar.boolean, "true or false")
  }

  /** A number in the given unit (in nanoseconds), or a text with a unit of its own. */
  duration(key: string, value: Scalar.Scalar, unitNanos: number): number | null {
    return this.read(key, value, (one) => {
      const nanos = Scalar.nanosOfDuration(one)
      return nanos === undefined ? Scalar.float8(one) : nanos / unitNanos
    }, "a number or a duration such as 1.5ms")
  }
}

const shownMax = 40

const show = (value: Scalar.Scalar): string => {
  const shown = JSON.stringify(value) ?? ""
  return shown.length > shownMax ? `${shown.slice(0, shownMax)}…` : shown
}
