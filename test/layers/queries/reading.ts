/** A plain reading of what filters mean, on rows in memory; knows nothing of SQL. */
import type { Field } from "../../../src/domain/srql/catalog/Entity.ts"
import type { Operator } from "../../../src/domain/srql/language/Query.ts"

const matches = (value: string, pattern: string): boolean =>
  new RegExp(`^${pattern.replaceAll(/[.*+?^${}()|[\]]/g, "\\$&").replaceAll("%", ".*").replaceAll("_", ".")}$`, "is")
    .test(value)

const compare = (value: number, op: Operator, than: number): boolean =>
  op === "eq"
    ? value === than
    : op === "not_eq"
    ? value !== than
    : op === "gt"
    ? value > than
    : op === "gte"
    ? value >= than
    : op === "lt"
    ? value < than
    : value <= than

const text = (value: string, op: Operator, asked: ReadonlyArray<string>): boolean => {
  const [first = ""] = asked
  switch (op) {
    case "eq":
      return value === first
    case "not_eq":
      return value !== first
    case "like":
      return matches(value, first)
    case "not_like":
      return !matches(value, first)
    case "in":
      return asked.length === 0 || asked.includes(value)
    default:
      return asked.length === 0 || !asked.includes(value)
  }
}

interface Address {
  readonly bits: 32 | 128
  readonly number: bigint
}

const fourOf = (text: string): Address | undefined =>
  /^\d+\.\d+\.\d+\.\d+$/.test(text)
    ? { bits: 32, number: text.split(".").reduce((sum, part) => sum * 256n + BigInt(part), 0n) }
    : undefined

/** What ends as an address of the other family, in groups. */
const inGroups = (text: string): string =>
  text.replace(/^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, before: string, ...bytes: ReadonlyArray<string>) => {
    const [a = "", b = "", c = "", d = ""] = bytes.slice(0, 4).map((byte) => Number(byte).toString(16).padStart(2, "0"))
    return `${before}${a}${b}:${c}${d}`
  })

/** With at least one `::`, or all eight groups: what the tables hold. */
const sixOf = (written: string): Address | undefined => {
  const text = inGroups(written)
  const [before = "", after] = text.split("::").map((half) => half.split(":").filter((group) => group !== ""))
    .map((groups) => groups.map((group) => group.padStart(4, "0")).join(""))
  const isWhole = after === undefined ? before.length === 32 : before.length + after.length < 32
  const digits = `${before}${"0".repeat(Math.max(0, 32 - before.length - (after ?? "").length))}${after ?? ""}`
  return isWhole && /^[0-9a-f:]+$/.test(text) ? { bits: 128, number: BigInt(`0x${digits}`) } : undefined
}

const addressOf = (text: string): Address | undefined => fourOf(text) ?? sixOf(text)

/** Undefined where what is stored is no address. */
const inNetwork = (value: string, asked: string): boolean | undefined => {
  const address = addressOf(value)
  if (address === undefined) return undefined
  const [base = "", prefix] = asked.split("/")
  const [first = "", last = ""] = asked.split("-")
  const [low, high] = prefix === undefined
    ? [addressOf(first), addressOf(last)]
    : [addressOf(base), addressOf(base)]
  if (low === undefined || high === undefined || low.bits !== address.bits) return false
  const host = prefix === undefined ? 0n : BigInt(low.bits - Number(prefix))
  return address.number >> host >= low.number >> host && address.number >> host <= high.number >> host
}

/** Whether a row passes. */
export const passes = (field: Field, stored: unknown, op: Operator, asked: ReadonlyArray<string>): boolean => {
  const isNegative = op.startsWith("not_")
  const [first = ""] = asked
  const strings: ReadonlyArray<string> = Array.isArray(stored) ? stored.map(String) : []
  if (asked.length === 0) return true
  switch (field.class) {
    case "containsAll":
      return isNegative !== asked.every((item) => strings.includes(item))
    case "keys": {
      const keys = typeof stored === "object" && stored !== null ? Object.keys(stored) : []
      return isNegative !== asked.some((item) => keys.includes(item))
    }
    case "json":
      return stored === null || stored === undefined ? isNegative : text(String(stored), op, asked)
    default:
  }
  if (stored === null || stored === undefined) return false
  switch (field.class) {
    case "overlap":
      return isNegative !== asked.some((item) => strings.includes(item))
    case "bool":
      return (stored === ["true", "1", "yes"].includes(first.toLowerCase())) !== isNegative
    case "flag":
      return (stored === ["true", "1"].includes(first)) !== isNegative
    case "integer":
    case "integers":
      return op === "in" || op === "not_in"
        ? asked.map(Number).includes(Number(stored)) !== isNegative
        : compare(Number(stored), op, Number(first))
    case "number":
    case "fixed":
      return compare(Number(stored), op, Number(first))
    case "mac": {
      const other = op === "like" || op === "not_like" ? /[^0-9a-f%_]/g : /[^0-9a-f]/g
      const digits = (given: string) => given.toLowerCase().replaceAll(other, "")
      return text(digits(String(stored)), op, [digits(first)])
    }
    case "address": {
      if (!/[/-]/.test(first) || (op !== "eq" && op !== "not_eq")) return text(String(stored), op, asked)
      const isIn = inNetwork(String(stored), first)
      return isIn !== undefined && isIn !== isNegative
    }
    default:
      return text(String(stored), op, asked)
  }
}
