/**
 * Protobuf's JSON as its specification has it: a field may be null, which is unset; its name in lower camel case or as in
 * the `.proto` file; 64-bit integers and doubles quoted or bare; enums as numbers or names.
 *
 * Remembers the first field that cannot be read, with its path; the message it belongs to is then to be refused.
 */
import { Result, String } from "effect"
import * as Base64 from "effect/encoding/Base64"
import * as Hex from "effect/encoding/Hex"
import type { Problem } from "./DecodeError.ts"
import { isObject, type JsonObject } from "./Json.ts"
import * as Numeral from "./Numeral.ts"

const snakeNames = new Map<string, string>()

const snake = (name: string): string => {
  const known = snakeNames.get(name)
  if (known !== undefined) return known
  const made = String.camelToSnake(name)
  // Names are ours, so they are few.
  snakeNames.set(name, made)
  return made
}

/** A field's value, undefined where it is unset; `name` is in lower camel case. */
export const field = (message: JsonObject, name: string): unknown => message[name] ?? message[snake(name)] ?? undefined

export const has = (message: JsonObject, name: string): boolean =>
  message[name] !== undefined || message[snake(name)] !== undefined

const noMessages: ReadonlyArray<unknown> = []
const noFields: JsonObject = {}

const base64 = /^[A-Za-z0-9+/_-]*={0,2}$/
const hexPairs = /^(?:[0-9a-f]{2})*$/i
const uint64Max = 2n ** 64n - 1n
const doubleNames: Readonly<Record<string, number>> = {
  NaN: Number.NaN,
  Infinity: Number.POSITIVE_INFINITY,
  "-Infinity": Number.NEGATIVE_INFINITY
}

const standard = (text: string): string => {
  const plain = text.replace(/=+$/, "").replaceAll("-", "+").replaceAll("_", "/")
  return plain + "=".repeat((4 - plain.length % 4) % 4)
}

export class ProtoJson {
  problem: Problem | undefined
  readonly #path: Array<string | number> = []

  enter(...steps: ReadonlyArray<string | number>): void {
    this.#path.push(...steps)
  }

  leave(steps: number): void {
    this.#path.length -= steps
  }

  refuse(step: string | number | undefined, reason: string): void {
    this.problem ??= { path: step === undefined ? [...this.#path] : [...this.#path, step], reason }
  }

  text(message: JsonObject, name: string): string {
    const value = field(message, name)
    if (value === undefined) return ""
    if (typeof value === "string") return value
    this.refuse(name, "expected a text")
    return ""
  }

  boolean(message: JsonObject, name: string): boolean {
    const value = field(message, name)
    if (value === undefined || typeof value === "boolean") return value ?? false
    this.refuse(name, "expected true or false")
    return false
  }

  /** Whole; undefined where it is unset. */
  integer(message: JsonObject, name: string, minimum: bigint, maximum: bigint): bigint | undefined {
    const value = field(message, name)
    if (value === undefined) return undefined
    const read = typeof value === "number" && Number.isInteger(value)
      ? BigInt(value)
      : typeof value === "string" && /^-?\d+(?:\.0+)?(?:[eE]\+?\d+)?$/.test(value)
      ? Numeral.whole(value)
      : undefined
    if (read !== undefined && read >= minimum && read <= maximum) return read
    this.refuse(name, `expected a whole number from ${minimum} to ${maximum}`)
    return undefined
  }

  int64(message: JsonObject, name: string): bigint | undefined {
    return this.integer(message, name, -(2n ** 63n), 2n ** 63n - 1n)
  }

  uint64(message: JsonObject, name: string): bigint | undefined {
    return this.integer(message, name, 0n, uint64Max)
  }

  uint32(message: JsonObject, name: string): number {
    return Number(this.integer(message, name, 0n, 2n ** 32n - 1n) ?? 0n)
  }

  double(message: JsonObject, name: string): number | undefined {
    const value = field(message, name)
    if (value === undefined || typeof value === "number") return value
    if (typeof value === "string") {
      const read = Object.hasOwn(doubleNames, value)
        ? doubleNames[value]
        : /^-?\d/.test(value) && !/^-?0[xX]/.test(value)
        ? Numeral.float(value)
        : undefined
      if (read !== undefined) return read
    }
    this.refuse(name, "expected a number")
    return undefined
  }

  /** `names` are those of the `.proto` file. */
  enumeration(message: JsonObject, name: string, names: ReadonlyMap<string, number>): number {
    const value = field(message, name)
    const named = typeof value === "string" ? names.get(value) : undefined
    return named ?? Number(this.integer(message, name, 0n, 2n ** 31n - 1n) ?? 0n)
  }

  /** In base64 of either alphabet; given back in the standard one. */
  bytes(message: JsonObject, name: string): string {
    const value = this.text(message, name)
    if (!base64.test(value)) this.refuse(name, "expected base64")
    return standard(value)
  }

  /** In hex, as OTLP has its ids, or in base64 as all other bytes; lower-case hex, empty when all its bytes are zero. */
  id(message: JsonObject, name: string, length: number): string {
    const value = this.text(message, name)
    if (hexPairs.test(value)) return /^0*$/.test(value) ? "" : value.toLowerCase()
    const bytes = base64.test(value) ? Base64.decode(standard(value)) : undefined
    if (bytes !== undefined && Result.isSuccess(bytes) && bytes.success.length === length) {
      const hex = Hex.encode(bytes.success)
      return /^0*$/.test(hex) ? "" : hex
    }
    this.refuse(name, "expected an id in hex")
    return ""
  }

  /** A nested message; one that is unset has no field set. */
  message(message: JsonObject, name: string): JsonObject {
    const value = field(message, name)
    if (value === undefined) return noFields
    if (isObject(value)) return value
    this.refuse(name, "expected an object")
    return noFields
  }

  /** The items of a repeated field, whatever they are. */
  items(message: JsonObject, name: string): ReadonlyArray<unknown> {
    const value = field(message, name)
    if (value === undefined) return noMessages
    if (Array.isArray(value)) return value
    this.refuse(name, "expected an array")
    return noMessages
  }

  /** The nested messages of a repeated field, each read by `read`. */
  messages<A>(message: JsonObject, name: string, read: (item: JsonObject) => A): ReadonlyArray<A> {
    return this.items(message, name).flatMap((item, at) => {
      if (!isObject(item)) {
        this.enter(name)
        this.refuse(at, "expected an object")
        this.leave(1)
        return []
      }
      this.enter(name, at)
      const result = read(item)
      this.leave(2)
      return [result]
    })
  }
}
