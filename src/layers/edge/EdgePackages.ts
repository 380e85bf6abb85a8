/**
 * Packages from their making to their end. The token is shown once and kept as SHA-256, and the private key is kept nowhere: whoever
 * fetches a package is issued a certificate of its own, and only what was answered has used the token up.
 */
import { DateTime, Effect, Option, Schema } from "effect"
import * as Activation from "../../domain/edge/Activation.ts"
import { EdgePackage, holder } from "../../domain/edge/EdgePackage.ts"
import { type Actor, superSystem, system } from "../../domain/records/Actor.ts"
import { fieldOf, type Stored } from "../../domain/records/Record.ts"
import type { EdgePackageRequest } from "../../domain/v1/EdgePackageRequest.ts"
import { EdgeOnboarding, type IssuedCertificate } from "../../services/edge/EdgeOnboarding.ts"
import * as Directory from "../../services/identity/Directory.ts"
import { type Asker, Records } from "../../services/records/Records.ts"
import * as Secrets from "../identity/Secrets.ts"

const { definition } = EdgePackage

/** As many characters as the existing core's have: 32. */
const tokenBytes = 24
const tokenForm = /^[A-Za-z0-9_-]{32}$/

/** There is no authority that could issue its certificate. */
export class OnboardingOff extends Schema.TaggedError<OnboardingOff>()("OnboardingOff", {}) {
  override get message(): string {
    return "edge onboarding: service disabled"
  }
}

/** Why a package is not handed out. */
export class NotDelivered extends Schema.TaggedError<NotDelivered>()("NotDelivered", {
  reason: Schema.Literals(["invalid", "delivered", "activated", "revoked", "deleted", "expired"])
}) {
  override get message(): string {
    return `the package is not handed out: ${this.reason}`
  }
}

export const nameOf = ({ values }: Stored): string =>
  Activation.commonNameOf(values["componentId"], values["componentType"])

export const statusOf = (stored: Stored, now: DateTime.Utc): string =>
  String(fieldOf(EdgePackage.calculations.status.node, stored, { actor: {}, arguments: {}, now }))

export interface Handed {
  readonly stored: Stored
  readonly certificate: IssuedCertificate
}

/** With the token in clear, which nobody can be shown again. */
export const issue = Effect.fn("EdgePackages.issue")(function*(
  { metadata, securityMode, tokenLife, ...request }: EdgePackageRequest,
  asker: Asker
) {
  const { certify, tokenLife: usual } = yield* EdgeOnboarding
  if (Option.isNone(certify)) return yield* new OnboardingOff()
  const certificate = yield* certify.value(Activation.commonNameOf(request.componentId, request.componentType))
  const token = Secrets.random(tokenBytes)
  const now = yield* DateTime.now
  const records = yield* Records
  const stored = yield* records.write({
    definition,
    action: "issue",
    asker,
    input: {
      values: {
        ...request,
        metadataJson: JSON.stringify({ ...metadata, security_mode: securityMode }),
        tokenHash: Secrets.hashOf(token),
        tokenExpiresAt: DateTime.addDuration(now, Option.getOrElse(tokenLife, () => usual))
      },
      form: "values"
    }
  })
  return { stored: yield* Effect.orDie(Effect.fromNullishOr(stored)), certificate, token }
})

const isUuid = Schema.is(Schema.String.check(Schema.isUUID()))

const states: Readonly<Record<string, NotDelivered["reason"]>> = {
  delivered: "delivered",
  activated: "activated",
  revoked: "revoked",
  deleted: "deleted",
  expired: "expired"
}

/** To whoever has its token, which is of no use afterwards. What fails on the way leaves it as it was. */
export const deliver = Effect.fn("EdgePackages.deliver")(function*(
  id: string,
  token: string,
  { address, requestId }: { readonly address: string; readonly requestId: string }
) {
  const records = yield* Records
  const { admit, certify } = yield* EdgeOnboarding
  if (Option.isNone(certify)) return yield* new OnboardingOff()
  yield* admit(address)
  const found = isUuid(id)
    ? yield* Directory.only(definition, "id", id.toLowerCase(), requestId)
    : Option.none<Stored>()
  const asking = (actor: Actor) => ({ ...Directory.asking({ ...actor, name: holder }, requestId), address })
  // Nobody learns whether there is one; the audit of those who see all tenants has the attempt.
  if (Option.isNone(found)) {
    yield* records.deny({ definition, action: "deliver", asker: asking(superSystem), reason: "no such package" })
    return yield* new NotDelivered({ reason: "invalid" })
  }
  const { values } = found.value
  const asker = asking(system(String(values["tenantId"])))
  const refused = (reason: NotDelivered["reason"]) =>
    Effect.andThen(
      records.deny({
        definition,
        action: "deliver",
        key: String(values["id"]),
        asker,
        reason: `${reason} (from ${address})`
      }),
      new NotDelivered({ reason })
    )
  const reason = states[statusOf(found.value, yield* DateTime.now)]
  if (reason !== undefined) return yield* refused(reason)
  const kept = values["tokenHash"]
  if (!tokenForm.test(token) || typeof kept !== "string" || !Secrets.isSame(Secrets.hashOf(token), kept)) {
    return yield* refused("invalid")
  }
  const certificate = yield* certify.value(Activation.commonNameOf(values["componentId"], values["componentType"]))
  const stored = yield* records.write({
    definition,
    action: "deliver",
    asker,
    key: String(values["id"]),
    input: { values: { address: address.slice(0, 64) }, form: "values" }
  }).pipe(
    Effect.catchTags({
      // Somebody else was there meanwhile.
      InvalidTransition: ({ from }) => refused(states[from] ?? "invalid"),
      Invalid: () => refused("expired")
    })
  )
  const { version, values: after } = yield* Effect.orDie(Effect.fromNullishOr(stored))
  const settings = values["checkerConfigJson"] ?? null
  return {
    stored: { version, values: { ...after, checkerConfigJson: settings } },
    certificate,
    id: String(values["id"])
  }
})
