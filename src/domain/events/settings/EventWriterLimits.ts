/** What may be configured for the event writer, wherever it is configured, in the same words. */
import { Duration, Schema } from "effect"
import * as Subject from "../stream/Subject.ts"

const between = (minimum: number, maximum: number) =>
  Schema.Int.check(
    Schema.makeFilter((value) =>
      (value >= minimum && value <= maximum) || `a whole number from ${minimum} to ${maximum}`
    )
  )

/** Messages. More make no statement faster, as statements carry 1,000 rows. */
export const BatchSize = between(1, 20_000)

/** Batches of one stream that are written at once. */
export const Concurrency = between(1, 16)

export const Deliveries = between(1, 1_000)

export interface DurationLimit {
  readonly minimum: Duration.Duration
  readonly maximum: Duration.Duration
  readonly expectation: string
}

export const batchTimeout: DurationLimit = {
  minimum: Duration.millis(1),
  maximum: Duration.seconds(60),
  expectation: "a time from 1ms to 60s"
}

export const ackWait: DurationLimit = {
  minimum: Duration.seconds(2),
  maximum: Duration.hours(1),
  expectation: "a time from 2s to 1h"
}

export const retention: DurationLimit = {
  minimum: Duration.hours(1),
  maximum: Duration.days(36_500),
  expectation: "a time of 1h or more"
}

export const isWithin = ({ maximum, minimum }: DurationLimit, duration: Duration.Duration): boolean =>
  Duration.isGreaterThanOrEqualTo(duration, minimum) && Duration.isLessThanOrEqualTo(duration, maximum)

export const Tenant = Schema.String.check(
  Schema.makeFilter((text) =>
    Subject.isTenantName(text) || "a name without spaces and dots that no subject starts with"
  )
)

const anyTenant = "*"

export const TenantPrefix = Schema.String.check(
  Schema.makeFilter((text) =>
    text === anyTenant || Subject.isTenantName(text) || "a tenant that no subject starts with, or * for any"
  )
)

export const SchemaName = Schema.String.check(
  Schema.isPattern(/^[A-Za-z_][A-Za-z0-9_]{0,62}$/, { expected: "the name of a schema, letters, digits and _" })
)

/** Name of a stream or consumer in JetStream. */
export const JetStreamName = Schema.String.check(
  Schema.isPattern(/^[^\s.*>/\\]{1,255}$/, { expected: "a name without spaces, dots, slashes, * and >" })
)
