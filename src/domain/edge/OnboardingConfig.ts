/**
 * The `edge_onboarding` of core's configuration file. Ours is `cert_dir`; of the existing core's other keys only `enabled` and
 * `download_token_ttl` change anything here.
 */
import { Duration, Option, Schema } from "effect"
import { GoDuration } from "../config/GoDuration.ts"

export const OnboardingBlock = Schema.Struct({
  enabled: Schema.optionalKey(Schema.Boolean),
  /** A folder of `serviceradar certs init`: its authority issues the certificates. */
  cert_dir: Schema.optionalKey(Schema.NonEmptyString),
  download_token_ttl: Schema.optionalKey(GoDuration)
})
export type OnboardingBlock = typeof OnboardingBlock.Type

export interface OnboardingConfig {
  /** None: there are no packages. */
  readonly certificates: Option.Option<string>
  /** How long a package can be fetched, unless its maker says otherwise. */
  readonly tokenLife: Duration.Duration
}

const tokenLifeDefault = Duration.days(1)

export const fromBlock = ({ cert_dir, download_token_ttl, enabled = true }: OnboardingBlock): OnboardingConfig => ({
  certificates: Option.filter(Option.fromUndefinedOr(cert_dir), () => enabled),
  tokenLife: download_token_ttl === undefined || Duration.isZero(download_token_ttl)
    ? tokenLifeDefault
    : download_token_ttl
})
