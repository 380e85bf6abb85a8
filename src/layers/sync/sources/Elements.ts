/** The elements of a page, decoded one by one: what cannot be used is rejected with its reason, and the page goes on. */
import { Result } from "effect"
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
  readonly reset: () => void
  readonly collected: () => Collected
}

/** Collects what `judge` says of each element. */
export const make = (judge: (value: unknown) => Judged): Elements => {
  let sightings: Array<Sighting> = []
  let rejections: Array<Rejection> = []
  return {
    take: (value) => {
      const judged = judge(value)
      if (Result.isSuccess(judged)) sightings.push(judged.success)
      else rejections.push({ ...judged.failure, sample: (JSON.stringify(value) ?? "").slice(0, sampleLengthMax) })
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
