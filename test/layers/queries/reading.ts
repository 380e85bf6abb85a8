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

const fourOf = (address: string): number | undefined =>
  /^\d+\.\d+\.\d+\.\d+$/.test(address)
    ? address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0)
    : undefined

const inNetwork = (value: string, asked: string): boolean | undefined => {
  const address = fourOf(value)
  if (address === undefined) return value.includes(":") ? false : undefined
  const [base = "", prefix] = asked.split("/")
  const [first = "", last = ""] = asked.split("-")
  if (prefix === undefined) return address >= (fourOf(first) ?? 0) && address <= (fourOf(last) ?? 0)
  const size = 2 ** (32 - Number(prefix))
  return Math.floor(address / size) === Math.floor((fourOf(base) ?? 0) / size)
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
      const digits = (given: string) => given.toLowerCase().replaceAll(/[^0-9a-f%_]/g, "")
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
