/**
 * When something happened, as far as its publisher can be believed.
 *
 * A device without a clock counts from 1970 or from the day it was built, and a number in the wrong unit is decades off.
 * Stored there, a row would be deleted as too old within minutes, or never. So a time before 2001-09-09T01:46:40Z, where
 * the units of numbers meet, is a claim, and so is a number that would be more than ten years after the stream stored the
 * message: the row gets the time of receipt, and keeps the claim beside it. So does a time that cannot be read.
 */
import { textValue } from "./Json.ts"
import * as Numeral from "./Numeral.ts"
import * as Timestamp from "./Timestamp.ts"

/** 2001-09-09T01:46:40Z in microseconds. */
export const earliest = 1_000_000_000_000_000
/** Ten years. */
const aheadMax = 10 * 365.25 * 86_400_000_000

export interface EventTime {
  readonly micros: number
  /** What was claimed instead, as it was written; none when the publisher was believed or said nothing. */
  readonly claim: string | undefined
}

/** Of a time that came as a number. */
export const isCredible = (micros: number, receivedAt: number): boolean =>
  micros >= earliest && micros <= receivedAt + aheadMax

/** Go's zero time, which means "not set" as much as 0 does. */
const isUnset = (value: unknown): boolean =>
  value === undefined || value === null || value === "" || value === false || value === 0 || value === 0n ||
  (typeof value === "string" && value.charCodeAt(0) === 0x30 &&
    /^(?:0+(?:\.0*)?|0001-01-01T00:00:00(?:\.0+)?Z)$/.test(value))

/** Of a value in any form; nanoseconds when it is a bigint. */
const microsOf = (value: unknown): number | undefined =>
  typeof value === "bigint" ? Timestamp.fromNanos(value) : Timestamp.micros(value)

/** A number may be one in another unit than meant; a date that is written out is what it says. */
const isNumber = (value: unknown): boolean => typeof value !== "string" || Numeral.float(value) !== undefined

/** Whether the value, which stands for these microseconds, can be believed. */
export const isBelieved = (value: unknown, micros: number | undefined, receivedAt: number): micros is number =>
  micros !== undefined && micros >= earliest && (micros <= receivedAt + aheadMax || !isNumber(value))

/** The first of the values that is a credible time, else the time of receipt. */
export const first = (receivedAt: number, ...values: ReadonlyArray<unknown>): EventTime => {
  let claim: string | undefined
  for (const value of values) {
    if (isUnset(value)) continue
    const micros = microsOf(value)
    if (isBelieved(value, micros, receivedAt)) return { micros, claim }
    claim ??= textValue(value) ?? undefined
  }
  return { micros: receivedAt, claim }
}
