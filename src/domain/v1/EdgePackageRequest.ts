/** What a package is asked for with, in the words of the existing core where it is none. */
import { Duration, Option, Result, Schema } from "effect"
import { type ComponentType, componentTypes } from "../edge/EdgePackage.ts"

const text = Schema.optionalKey(Schema.NullOr(Schema.String))
const seconds = Schema.optionalKey(Schema.NullOr(Schema.Int))

const Body = Schema.Struct({
  label: text,
  component_id: text,
  component_type: text,
  parent_type: text,
  parent_id: text,
  poller_id: text,
  site: text,
  security_mode: text,
  metadata_json: text,
  checker_kind: text,
  checker_config_json: text,
  notes: text,
  join_token_ttl_seconds: seconds,
  download_token_ttl_seconds: seconds,
  datasvc_endpoint: text
})
type Body = typeof Body.Type

const decodeBody = Schema.decodeUnknownOption(Schema.fromJsonString(Body))

export interface EdgePackageRequest {
  readonly label: string
  readonly componentId: string
  readonly componentType: ComponentType
  readonly parentType: ComponentType | null
  readonly parentId: string | null
  readonly pollerId: string
  readonly site: string | null
  /** By a certificate of ours, or of SPIRE. */
  readonly securityMode: "mtls" | "spire"
  readonly metadata: Readonly<Record<string, string>>
  readonly checkerKind: string | null
  readonly checkerConfigJson: string | null
  readonly notes: string | null
  readonly tokenLife: Option.Option<Duration.Duration>
}

/** In the words of an answer. */
type Words = string

const invalid = (what: string) => Result.fail(`edge onboarding: invalid request: ${what}`)

const trimmed = (given: string | null | undefined): string => (given ?? "").trim()

const orNull = (given: string | null | undefined): string | null => trimmed(given) === "" ? null : trimmed(given)

const lifeMax = Duration.days(30)

const isType = Schema.is(Schema.Literals(componentTypes))

const typeOf = (key: string, given: string): Result.Result<ComponentType, Words> =>
  isType(given) ? Result.succeed(given) : Result.fail(`${key} must be poller, agent, or checker`)

const decodeObject = Schema.decodeUnknownOption(
  Schema.fromJsonString(Schema.Record(Schema.String, Schema.Unknown))
)
const decodeJson = Schema.decodeUnknownOption(Schema.fromJsonString(Schema.Unknown))

/** Every value as a text, under names in lower case, as there. */
const metadataOf = ({ datasvc_endpoint, metadata_json }: Body): Result.Result<Record<string, string>, Words> => {
  const given = trimmed(metadata_json)
  const object = given === "" ? Option.some({}) : decodeObject(given)
  if (Option.isNone(object)) return invalid("metadata_json must be valid JSON")
  const entries = Object.entries(object.value).flatMap(([name, value]) => {
    const key = name.trim().toLowerCase()
    const words = typeof value === "string" ? value.trim() : JSON.stringify(value ?? "")
    return key === "" || value === null || words === "" ? [] : [[key, words] as const]
  })
  const endpoint = trimmed(datasvc_endpoint)
  return Result.succeed({
    ...Object.fromEntries(entries),
    ...(endpoint === "" ? {} : { datasvc_endpoint: endpoint })
  })
}

/** With what comes behind it in the name of a certificate that has 64 characters at most. */
const idMax = 43
const id = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/

/** One that was not given is made of the label, as there. */
const idOf = (given: string, label: string): Result.Result<string, Words> => {
  const made = label.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-").slice(0, idMax).replaceAll(/^-+|-+$/g, "")
  const chosen = given === "" ? made : given
  if (chosen === "") return invalid("component_id could not be determined")
  return chosen.length <= idMax && id.test(chosen)
    ? Result.succeed(chosen)
    : invalid(`component_id must be 1 to ${idMax} lower-case letters, digits and dashes`)
}

const parents: Readonly<Record<ComponentType, ComponentType | null>> = {
  poller: null,
  agent: "poller",
  checker: "agent"
}

const modeOf = (body: Body, componentType: ComponentType, metadata: Readonly<Record<string, string>>) => {
  const asked = trimmed(body.security_mode) || trimmed(metadata["security_mode"])
  const isSysmon = componentType === "checker" && trimmed(body.checker_kind).toLowerCase() === "sysmon"
  return asked.toLowerCase() === "mtls" || (asked === "" && isSysmon) ? "mtls" : "spire"
}

export const parse = (json: string): Result.Result<EdgePackageRequest, Words> =>
  Result.gen(function*() {
    const body = yield* Result.fromOption(decodeBody(json), () => "invalid JSON payload")
    const label = trimmed(body.label)
    if (label === "") return yield* Result.fail("label is required")
    const life = body.download_token_ttl_seconds ?? 0
    if (life < 0 || (body.join_token_ttl_seconds ?? 0) < 0) {
      return yield* Result.fail("ttl values must be non-negative")
    }
    const componentType = yield* typeOf("component_type", trimmed(body.component_type).toLowerCase() || "poller")
    const parentType = trimmed(body.parent_type).toLowerCase()
    if (parentType !== "") yield* typeOf("parent_type", parentType)
    const parentId = trimmed(body.parent_id)
    if (componentType === "poller" && parentId !== "") {
      return yield* Result.fail("parent_id is not allowed for poller packages")
    }
    const metadata = yield* metadataOf(body)
    const checkerConfigJson = componentType === "poller" ? null : orNull(body.checker_config_json)
    if (checkerConfigJson !== null && Option.isNone(decodeJson(checkerConfigJson))) {
      return yield* invalid("checker_config_json must be valid JSON")
    }
    if (componentType !== "poller" && parentId === "") {
      return yield* invalid(`parent_id is required for ${componentType} packages`)
    }
    if (life > Duration.toSeconds(lifeMax)) {
      return yield* invalid(`download_token_ttl_seconds must be at most ${Duration.toSeconds(lifeMax)}`)
    }
    const pollerId = trimmed(body.poller_id)
    const componentId = yield* idOf(
      trimmed(body.component_id) || (componentType === "poller" ? pollerId : ""),
      label
    )
    return {
      label,
      componentId,
      componentType,
      parentType: parents[componentType],
      parentId: parentId === "" ? null : parentId,
      pollerId: componentType === "poller"
        ? componentId
        : componentType === "agent"
        ? parentId
        : pollerId || componentId,
      site: orNull(body.site),
      securityMode: modeOf(body, componentType, metadata),
      metadata,
      checkerKind: componentType === "poller" ? null : orNull(body.checker_kind),
      checkerConfigJson,
      notes: orNull(body.notes),
      tokenLife: life === 0 ? Option.none() : Option.some(Duration.seconds(life))
    } as const
  })
