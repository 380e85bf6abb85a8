/** The elements of a page, decoded one by one: what cannot be used is rejected with its reason, and the page goes on. */
import { Result } from "effect"
import * as PrintableText from "../../../domain/config/PrintableText.ts"
import * as Observation from "../../../domain/inventory/Observation.ts"
import type { Rejection, RejectionReason, Sighting } from "../../../services/sync/DeviceSource.ts"

const sampleLengthMax = 120

export interface Collected {
  readonly sightings: ReadonlyArray<Sighting>
  readonly rejections: ReadonlyArray<Rejection>
}

/** An element that is a device, or why it is none. */
export type Judged = Result.Result<Sighting, { readonly key: string | undefined; readonly reason: RejectionReason }>

export interface Elements {
  readonly take: (value: unknown) => void
  /** One that was too long to be read. */
  readonly skip: () => void
  readonly reset: () => void
  readonly collected: () => Collected
}

/** Something nested a hundred thousand deep can be parsed, and not written again. */
const sampleOf = (value: unknown): string =>
  PrintableText.shortened(
    Result.getOrElse(Result.try(() => JSON.stringify(value) ?? ""), () => "an element that is nested too deep"),
    sampleLengthMax
  )

const bounded = (judged: Judged): Judged =>
  Result.isSuccess(judged) && Observation.isTooLong(judged.success.observation)
    ? Result.fail({ key: judged.success.key, reason: "too_long" })
    : judged

/** Collects what `judge` says of each element. */
export const make = (judge: (value: unknown) => Judged): Elements => {
  let sightings: Array<Sighting> = []
  let rejections: Array<Rejection> = []
  return {
    take: (value) => {
      const judged = bounded(judge(value))
      if (Result.isSuccess(judged)) sightings.push(judged.success)
      else rejections.push({ ...judged.failure, sample: sampleOf(value) })
    },
    skip: () => {
      rejections.push({ key: undefined, reason: "too_long", sample: "" })
    },
    reset: () => {
      sightings = []
      rejections = []
    },
    collected: () => ({ sightings, rejections })
  }
}

const digitsMax = 16

/** A decimal id as a key that sorts by number. */
export const numericKey = (id: number): string => String(id).padStart(digitsMax, "0")
