/**
 * Adds to an agent's message the address and name of the host it is about.
 *
 * Core derives devices from these keys. What the message says itself is never replaced. Differs from the Go poller
 * where that one loses or breaks something: a message that is no JSON object is kept as `message` (there it was
 * discarded, and `null` ended the process), and type `snmp` is left alone, because core refuses an SNMP payload that
 * has any key beside its targets.
 */
import { Option, Predicate, Result } from "effect"
import * as HostPort from "../../../sockets/HostPort.ts"
import * as ExactJson from "../../ExactJson.ts"
import type { ServiceType } from "../../Ids.ts"
import * as IpAddress from "../../IpAddress.ts"
import { kindOf } from "../../ServiceKinds.ts"
import * as NestingLimit from "./NestingLimit.ts"

/** What is known about the host an agent speaks for. */
export interface AgentHost {
  /** None when nothing resolved. */
  readonly ip: Option.Option<string>
  readonly name: string
}

type JsonObject = { readonly [key: string]: unknown }

const encoder = new TextEncoder()
const textBytesMax = 512
/** Of a unit of UTF-16 in UTF-8. */
const bytesPerUnitMax = 3

export interface About {
  readonly serviceType: ServiceType
  readonly details: string
  readonly host: AgentHost
}

/** `Added`: what stands in place of the closing brace of the message, which else stays as it is. */
export type Enriched =
  | { readonly _tag: "Added"; readonly tail: string }
  | { readonly _tag: "Rewritten"; readonly json: string }

/** The host that messages are about. */
export interface Target {
  readonly ip: string
  readonly name: string
}

/** None where messages stay as they are. The same for each message of a check, for as long as its agent's host is. */
export const targetOf = (about: About): Option.Option<Target> => {
  if (kindOf(about.serviceType).isClosed) return Option.none()
  const detailsHost = clean(hostOf(about.details))
  const agentName = clean(about.host.name)
  const ip = IpAddress.parse(detailsHost).pipe(
    Option.orElse(() => Option.flatMap(about.host.ip, IpAddress.parse)),
    Option.orElse(() => IpAddress.parse(agentName))
  )
  if (Option.isNone(ip)) return Option.none()
  const isTarget = agentName === "" || ip.value === detailsHost
  return Option.some({ ip: ip.value, name: (isTarget && detailsHost !== "" ? detailsHost : agentName) || ip.value })
}

/** None where there is nothing to add or no object to add it to. A large message is not written anew for a few keys more. */
export const enrich = (target: Option.Option<Target>, message: string): Option.Option<Enriched> => {
  if (Option.isNone(target)) return Option.none()
  const { ip, name } = target.value
  const found = readObject(message)
  if (found !== undefined) {
    const added = additions(found, ip, name)
    const isNew = Object.keys(added).every((key) => !Object.hasOwn(found, key))
    if (isNew) return Option.some({ _tag: "Added", tail: tailOf(added, Object.keys(found).length > 0) })
  }
  // Writing JSON recurses where reading does not: a document nested deep enough stays as it is.
  return Option.flatMap(toObject(message), (root) =>
    Option.map(
      Result.getSuccess(Result.try(() => ExactJson.stringify({ ...root, ...additions(root, ip, name) }))),
      (json) => ({ _tag: "Rewritten", json })
    ))
}

/** An object as it stands in the text, whatever its numbers lose by it. */
const readObject = (text: string): JsonObject | undefined => {
  if (NestingLimit.isPassed(text)) return undefined
  const parsed = Result.getOrElse(Result.try((): unknown => JSON.parse(text)), () => undefined)
  return isJsonObject(parsed) ? parsed : undefined
}

const tailOf = (added: JsonObject, isAfterOthers: boolean): string =>
  `${isAfterOthers ? "," : ""}${JSON.stringify(added).slice(1)}`

/** The enriched message as text. */
export const jsonOf = (enriched: Enriched, message: string): string =>
  enriched._tag === "Rewritten" ? enriched.json : `${message.trimEnd().slice(0, -1)}${enriched.tail}`

/** The keys that the message gets, also in place of some that it has. */
const additions = (root: JsonObject, ip: string, name: string): JsonObject => {
  const given = root["status"]
  const status = isJsonObject(given) ? given : {}
  const moved = given === undefined || given === null || isJsonObject(given) ? {} : { status_text: given }
  const says = (keys: ReadonlyArray<string>): boolean => keys.some((key) => isText(status[key]) || isText(root[key]))
  const address = says(["host_ip", "ip"]) ? {} : { host_ip: ip, ip }
  const named = (owner: JsonObject): JsonObject => {
    if (says(["host_name", "hostname"])) return {}
    return "hostname" in owner ? { host_name: name } : { host_name: name, hostname: name }
  }
  return { ...moved, ...address, ...named(root), status: { ...status, ...address, ...named(status) } }
}

/** None for an array, which has no place for more keys. */
const toObject = (text: string): Option.Option<JsonObject> => {
  if (text.trim() === "") return Option.some({})
  const parsed = NestingLimit.isPassed(text)
    ? text
    : Result.getOrElse(Result.try(() => ExactJson.parse(text)), () => text)
  if (Array.isArray(parsed)) return Option.none()
  if (isJsonObject(parsed)) return Option.some(parsed)
  return Option.some(
    parsed === null ? {} : { message: typeof parsed === "string" && text.trimStart().startsWith("\"") ? parsed : text }
  )
}

const isJsonObject = (value: unknown): value is JsonObject => Predicate.isObject(value) && !Array.isArray(value)

const isText = (value: unknown): boolean => typeof value === "string" && value.trim() !== ""

/** The host of `host:port` or `[v6]:port`, else the whole text. */
export const hostOf = (details: string): string => {
  const host = Option.map(HostPort.parse(details.trim()), ({ host }) => host)
  return Option.getOrElse(Option.filter(host, (found) => found !== ""), () => details)
}

/** Trimmed, without control characters, at most 512 bytes; never half a character. */
const clean = (text: string): string => {
  // oxlint-disable-next-line no-control-regex -- control characters are what is removed here.
  const printable = text.trim().replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/g, "")
  if (printable.length <= textBytesMax / bytesPerUnitMax) return printable
  const { read } = encoder.encodeInto(printable, new Uint8Array(textBytesMax))
  return printable.slice(0, read)
}
