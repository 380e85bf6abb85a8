/** How core lets others set up pollers, agents and checkers at the edge. */
import { Context, type DateTime, type Duration, type Effect, type Option, type Redacted, Schema } from "effect"

/** Its authority cannot be used. */
export class EdgeCertificatesError extends Schema.TaggedError<EdgeCertificatesError>()("EdgeCertificatesError", {
  commonName: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `no certificate ${this.commonName} could be issued: ${this.detail}`
  }
}

/** By one address, whatever it wanted to fetch. */
export class TooManyDownloads extends Schema.TaggedError<TooManyDownloads>()("TooManyDownloads", {
  retryAfterSeconds: Schema.Int
}) {
  override get message(): string {
    return `too many downloads from this address: the next one is possible in ${this.retryAfterSeconds} s`
  }
}

/** All in PEM. */
export interface IssuedCertificate {
  readonly ca: string
  readonly cert: string
  readonly key: Redacted.Redacted
  readonly generatedAt: DateTime.Utc
  readonly expiresAt: DateTime.Utc
}

export class EdgeOnboarding extends Context.Service<EdgeOnboarding, {
  /** Makes their certificates; none where no authority is configured. */
  readonly certify: Option.Option<(commonName: string) => Effect.Effect<IssuedCertificate, EdgeCertificatesError>>
  /** Counts an attempt of this address to fetch one. */
  readonly admit: (address: string) => Effect.Effect<void, TooManyDownloads>
  /** How long a package can be fetched, unless its maker says otherwise. */
  readonly tokenLife: Duration.Duration
}>()("serviceradar/services/edge/EdgeOnboarding") {}
