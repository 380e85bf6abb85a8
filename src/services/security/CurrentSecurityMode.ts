/** The security mode that this program runs in; `SERVICERADAR_SECURITY_MODE` sets it. */
import { Config, Context, Effect, Layer, Option, Result, Schema } from "effect"
import * as SecurityMode from "../../domain/security/SecurityMode.ts"

export const variable = "SERVICERADAR_SECURITY_MODE"

export class UnknownSecurityMode extends Schema.TaggedError<UnknownSecurityMode>()("UnknownSecurityMode", {
  value: Schema.String
}) {
  override get message(): string {
    return `${variable} is ${JSON.stringify(this.value)}, expected ${SecurityMode.expectation}`
  }
}

export const CurrentSecurityMode = Context.Reference<SecurityMode.SecurityModeSetting>(
  "serviceradar/services/security/CurrentSecurityMode",
  { defaultValue: () => SecurityMode.unset }
)

/** What a program has decided itself, whatever the environment says. */
export const DecidedSecurityMode = Context.Reference<Option.Option<SecurityMode.SecurityModeSetting>>(
  "serviceradar/services/security/CurrentSecurityMode/Decided",
  { defaultValue: () => Option.none() }
)

const read = Effect.gen(function*() {
  const decided = yield* DecidedSecurityMode
  if (Option.isSome(decided)) return decided.value
  const text = yield* Config.option(Config.String(variable))
  return yield* Effect.fromResult(
    Result.mapError(
      SecurityMode.parse(text),
      () => new UnknownSecurityMode({ value: Option.getOrElse(text, () => "") })
    )
  )
})

export const layerEnvironment = Layer.effect(CurrentSecurityMode, read)
