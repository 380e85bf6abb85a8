/** Packages are handed out to whoever has their token, which nobody else can use afterwards: as JSON, and as an archive. */
import { DateTime, Effect, Option, Redacted, Schema } from "effect"
import * as zlib from "node:zlib"
import * as Bundle from "../../../domain/edge/Bundle.ts"
import { componentTypes } from "../../../domain/edge/EdgePackage.ts"
import * as TarArchive from "../../../domain/edge/TarArchive.ts"
import { EdgeOnboarding, type TooManyDownloads } from "../../../services/edge/EdgeOnboarding.ts"
import * as EdgePackages from "../../edge/EdgePackages.ts"
import { type Call, type Handle, Refused } from "../Route.ts"
import * as V1Answers from "../V1Answers.ts"
import { handed, told } from "./EdgeViews.ts"

export const refuse = (status: number, words: string) => new Refused({ status, words })

export const disabled = refuse(503, "Edge onboarding service is disabled")

const isType = Schema.is(Schema.Literals(componentTypes))

const decodeToken = Schema.decodeUnknownOption(
  Schema.fromJsonString(Schema.Struct({ download_token: Schema.optionalKey(Schema.NullOr(Schema.String)) }))
)

/** Of the reasons in the words of the existing core. */
export const notDelivered: Readonly<Record<EdgePackages.NotDelivered["reason"], Refused>> = {
  invalid: refuse(401, "edge onboarding: download token invalid"),
  delivered: refuse(409, "edge onboarding: package already delivered"),
  activated: refuse(409, "edge onboarding: package already delivered"),
  revoked: refuse(409, "edge onboarding: package revoked"),
  deleted: refuse(409, "edge onboarding: package revoked"),
  expired: refuse(410, "edge onboarding: download token expired")
}

const tooMany = ({ message, retryAfterSeconds }: TooManyDownloads) =>
  new Refused({ status: 429, words: message, retryAfterSeconds })

const wantsJson = ({ query, shown }: Call): boolean =>
  query.get("format")?.trim().toLowerCase() === "json" ||
  /^(?!.*application\/gzip).*application\/json/i.test(shown.headers["accept"] ?? "")

/** Nobody is asked who it is: the token says that it may. */
export const download: Handle = Effect.fnUntraced(function*(call) {
  const body = decodeToken(call.body)
  if (Option.isNone(body)) return yield* refuse(400, "invalid JSON payload")
  const token = body.value.download_token?.trim() ?? ""
  if (token === "") return yield* refuse(400, "download_token is required")
  const { certify } = yield* EdgeOnboarding
  if (Option.isNone(certify)) return yield* disabled
  // Said before the token is used up.
  if (!wantsJson(call)) return yield* refuse(400, "mTLS packages must be downloaded with format=json")
  const got = yield* EdgePackages.deliver(call.at["id"] ?? "", token, call.shown).pipe(
    Effect.catchTags({
      OnboardingOff: () => Effect.fail(disabled),
      TooManyDownloads: (error) => Effect.fail(tooMany(error)),
      NotDelivered: ({ reason }) => Effect.fail(notDelivered[reason]),
      EdgeCertificatesError: (error) =>
        Effect.andThen(Effect.logError(error.message), refuse(502, "failed to deliver edge package"))
    })
  )
  return V1Answers.json(handed(got, call.now))
})

/** Of the same reasons in the words of the later web application. */
const notBundled: Readonly<Record<EdgePackages.NotDelivered["reason"], readonly [status: number, words: string]>> = {
  invalid: [401, "download token invalid"],
  delivered: [409, "package already_delivered"],
  activated: [409, "package already_activated"],
  revoked: [409, "package revoked"],
  deleted: [409, "package deleted"],
  expired: [410, "download token expired"]
}

const failure = (status: number, error: string) => V1Answers.json({ error }, status)

const archiveOf = ({ certificate, stored }: EdgePackages.Handed) => {
  const { values } = stored
  const { core, serverName } = told(stored)
  const { checkerConfigJson = null, componentType = null } = values
  const files = Bundle.filesOf({
    id: String(values["id"]),
    label: String(values["label"]),
    componentId: String(values["componentId"]),
    componentType: isType(componentType) ? componentType : "poller",
    commonName: EdgePackages.nameOf(stored),
    coreAddress: core,
    serverName,
    checkerConfig: typeof checkerConfigJson === "string" ? checkerConfigJson : undefined,
    ca: certificate.ca,
    cert: certificate.cert,
    key: Redacted.value(certificate.key)
  })
  return zlib.gzipSync(TarArchive.of(files, Math.floor(DateTime.toEpochMillis(certificate.generatedAt) / 1000)))
}

/** The archive of the later web application; anybody may ask, with the token. */
export const bundle: Handle = Effect.fnUntraced(function*({ at, query, shown }) {
  // A look at the address is not to use the token up.
  if (shown.method !== "GET") return failure(405, "method not allowed")
  const token = query.get("token")?.trim() ?? ""
  if (token === "") return failure(400, "token is required")
  return yield* EdgePackages.deliver(at["id"] ?? "", token, shown).pipe(
    Effect.map((got) => V1Answers.archive(archiveOf(got), `edge-package-${got.id.slice(0, 8)}.tar.gz`)),
    Effect.catchTags({
      OnboardingOff: () => Effect.succeed(failure(503, "edge onboarding is disabled")),
      TooManyDownloads: (error) => Effect.fail(tooMany(error)),
      NotDelivered: ({ reason }) => Effect.succeed(failure(...notBundled[reason])),
      EdgeCertificatesError: (error) =>
        Effect.andThen(Effect.logError(error.message), Effect.succeed(failure(502, "the package cannot be made")))
    })
  )
})
