/**
 * From a subject to the logical stream that stores it, and to the tenant it names.
 *
 * A tenant may stand in front as one token (`acme.logs.syslog.processed`); it cannot be called like a root. Old subjects
 * (`events.otel.traces`, `snmp.traps`) and new ones (`otel.traces.raw`, `logs.snmp`) lead to the same stream.
 */
import * as Remembered from "./Remembered.ts"
import { type StreamName, streamNames, streams } from "./Streams.ts"

interface Rule {
  /** The subject itself and everything below it. */
  readonly prefix: string
  readonly stream: StreamName
}

const rulesOf = (stream: StreamName): ReadonlyArray<Rule> =>
  streams[stream].subjects.map((prefix) => ({ prefix, stream }))

/** The first rule that matches counts, so the longer prefixes stand first. */
const rules: ReadonlyArray<Rule> = streamNames.flatMap(rulesOf).toSorted((one, other) =>
  other.prefix.length - one.prefix.length
)

/** First tokens of subjects that nothing here processes; they are no tenants either. */
const foreignRoots: ReadonlySet<string> = new Set(["falco", "trivy", "bmp", "siem", "arancini"])

/** First tokens of subjects; no tenant may have such a name. */
const roots: ReadonlySet<string> = new Set(rules.map((rule) => rule.prefix.split(".", 1)[0] ?? ""))

/** What a rule engine may take, see `Streams`. */
export const rawSubjects: ReadonlySet<string> = new Set(streamNames.flatMap((stream) => streams[stream].raw))

export interface Route {
  readonly stream: StreamName
  /** From the subject's prefix. */
  readonly tenant: string | undefined
  /** The subject without the tenant's prefix. */
  readonly subject: string
}

const matches = (subject: string, prefix: string): boolean =>
  subject.startsWith(prefix) && (subject.length === prefix.length || subject[prefix.length] === ".")

/** None when no stream stores the subject. */
export const route = Remembered.make((subject): Route | undefined => {
  const dot = subject.indexOf(".")
  const first = dot < 0 ? subject : subject.slice(0, dot)
  if (foreignRoots.has(first)) return undefined
  const isPrefixed = dot > 0 && !roots.has(first)
  const bare = isPrefixed ? subject.slice(dot + 1) : subject
  const rule = rules.find((one) => matches(bare, one.prefix))
  return rule === undefined ? undefined : {
    stream: rule.stream,
    tenant: isPrefixed ? first : undefined,
    subject: bare
  }
})

/** The subject with its tenant in front: the inverse of `route`. */
export const format = (route: Pick<Route, "tenant" | "subject">): string =>
  route.tenant === undefined ? route.subject : `${route.tenant}.${route.subject}`

/** Whether a tenant of this name can be told from a root. */
export const isTenantName = (name: string): boolean =>
  /^[^\s.*>]+$/.test(name) && !roots.has(name) && !foreignRoots.has(name)

/** The route of the subjects that a filter stands for, judged by what stands before a wildcard at its end. */
export const routeOfFilter = (filter: string): Route | undefined => route(filter.trim().replace(/\.[>*]$/, ""))

const isCovered = (prefix: string, by: ReadonlyArray<string>): boolean =>
  by.some((other) => other !== prefix && matches(prefix, other))

/**
 * The subjects that one consumer of these streams asks for: the bare subject too, as `otel.traces.>` does not match
 * `otel.traces`, and none twice, as JetStream refuses filters that overlap.
 *
 * `events.>` brings what is under `events.otel.logs` too: whoever consumes streams apart compares `route` with its own.
 */
export const filterSubjects = (names: ReadonlyArray<StreamName>): ReadonlyArray<string> => {
  const prefixes = names.flatMap((name) => streams[name].subjects)
  return prefixes.filter((prefix) => !isCovered(prefix, prefixes)).flatMap((prefix) => [prefix, `${prefix}.>`])
}
