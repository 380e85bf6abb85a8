/**
 * The name under which a checker stands in the supervision tree: `port:ssh:127.0.0.1:22`.
 *
 * Names are seen by everybody who may see the tree, so a target is only named when it is of a known harmless shape: a
 * host, a port, a process, or scheme and host of a URL. Paths, queries, credentials and JSON stay out. Two checkers may
 * therefore come to the same name; whoever runs them tells them apart.
 */
import { Result } from "effect"
import * as ServiceKinds from "../ServiceKinds.ts"

export interface Named {
  readonly serviceType: string
  readonly serviceName: string
  readonly details: string
}

const partLengthMax = 80

/** Hosts with and without port, addresses in brackets and with zones, process names. */
const harmlessPattern = /^[A-Za-z0-9_.:%[\]-]{1,80}$/
/** Everything else would need quoting in a path, a log line or a terminal. */
const unprintable = /[^A-Za-z0-9_.:@+-]+/g

const part = (text: string): string => text.slice(0, partLengthMax).replaceAll(unprintable, "_")

const originOf = (text: string): string | undefined => {
  const url = URL.canParse(text) ? new URL(text) : undefined
  return url !== undefined && /^https?:$/.test(url.protocol)
    ? `${url.protocol}${url.host}`.slice(0, 2 * partLengthMax)
    : undefined
}

/** The key of a JSON object that names the target, in the kinds of checks that there are. */
const placeKeys = ["url", "address", "host", "name"]

const placeOf = (details: string): string => {
  if (!details.startsWith("{")) return details
  const parsed = Result.getOrElse(Result.try((): unknown => JSON.parse(details)), () => undefined)
  const entries = typeof parsed === "object" && parsed !== null ? Object.entries(parsed) : []
  const [, value] = entries.find(([key]) => placeKeys.includes(key)) ?? []
  return typeof value === "string" ? value : ""
}

const targetOf = (serviceType: string, details: string): string => {
  const text = details.trim()
  if (text === "") return text
  if (!ServiceKinds.kindOf(serviceType).isTargetPublic) return "…"
  const place = placeOf(text)
  if (harmlessPattern.test(place)) return place
  return originOf(place) ?? "…"
}

/** At most 324 characters, without slashes, control characters and what may be secret. */
export const make = ({ details, serviceName, serviceType }: Named): string =>
  [part(serviceType), part(serviceName), targetOf(serviceType, details)].filter((text) => text !== "").join(":") ||
  "unnamed"
