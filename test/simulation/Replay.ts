/** A fault plan in a file, with the seed and the settings of its world. */
import { Option, Result, Schema } from "effect"
import * as fs from "node:fs"
import { type Fault as PlannedFault, type Kind, profiles } from "../../src/domain/simulation/FaultPlan.ts"

interface Bounds {
  readonly least: number
  readonly most: number
}

/** What a world can be asked for; an hour of many agents takes a minute, and nobody waits for a year of them. */
export const bounds = {
  seed: { least: 0, most: 1_000_000_000_000 },
  seeds: { least: 1, most: 1_000_000 },
  // Virtual hours have five minutes at the end in which nothing is done.
  hours: { least: 0.1, most: 8_784 },
  agents: { least: 1, most: 10_000 },
  checks: { least: 1, most: 1_000 },
  pollers: { least: 1, most: 1_000 },
  messages: { least: 0, most: 100_000 },
  devices: { least: 0, most: 1_000_000 },
  shrink: { least: 0, most: 86_400 }
}

const within = ({ least, most }: Bounds) => Schema.isBetween({ minimum: least, maximum: most })
const aTime = Schema.Finite.check(Schema.isGreaterThanOrEqualTo(0))

const Fault = Schema.Struct({
  kind: Schema.String,
  target: Schema.String,
  other: Schema.optionalKey(Schema.String),
  atMillis: aTime,
  lastsMillis: aTime,
  amount: Schema.Finite.check(within({ least: 0, most: 1 }))
})

/**
 * Of the worlds: another one draws other faults, knows other kinds, or does other things under the same, so that a plan of
 * before says nothing of it.
 */
export const version = 3

const Replay = Schema.Struct({
  version: Schema.Literal(version),
  seed: Schema.String,
  settings: Schema.Struct({
    hours: Schema.Finite.check(within(bounds.hours)),
    agents: Schema.Int.check(within(bounds.agents)),
    checks: Schema.Int.check(within(bounds.checks)),
    pollers: Schema.Int.check(within(bounds.pollers)),
    messagesPerSecond: Schema.Finite.check(within(bounds.messages)),
    devices: Schema.Int.check(within(bounds.devices)),
    profile: Schema.Literals(profiles)
  }),
  plan: Schema.Array(Fault),
  /** What broke, and the log up to there; a plan that somebody has written has none. */
  found: Schema.optionalKey(Schema.Struct({ invariant: Schema.String, hash: Schema.String }))
})
export type Replay = typeof Replay.Type

/** What it does not know it would leave out, and what was asked for would not be what was led. */
const decode = Schema.decodeUnknownResult(Schema.fromJsonString(Replay), { onExcessProperty: "error" })
/** The first had no version. */
const decodeVersion = Schema.decodeUnknownOption(
  Schema.fromJsonString(Schema.Struct({ version: Schema.optionalKey(Schema.Unknown), plan: Schema.Unknown }))
)

/** What is wrong with the text, if it is no plan. */
export const read = (text: string): Replay | string => {
  const head = Option.getOrUndefined(decodeVersion(text))
  if (head !== undefined && head.version !== version) {
    return `its version is ${
      JSON.stringify(head.version) ?? "missing"
    }, expected ${version}: it is a plan of other worlds`
  }
  return Result.match(decode(text), {
    onSuccess: (replay): Replay | string => replay,
    onFailure: ({ message }) => message.replaceAll(/\s*\n\s*/g, " ")
  })
}

const wrongIn = ({ kind, other, target }: PlannedFault, kinds: ReadonlyArray<Kind>): string | undefined => {
  const expected = (what: string, is: string, names: Iterable<string>): string =>
    `${what} is ${is}, expected ${[...new Set(names)].join(", ")}`
  const known = kinds.filter((one) => one.kind === kind)
  if (known.length === 0) return expected("kind", kind, kinds.map((one) => one.kind))
  const there = known.filter(({ targets }) => targets.includes(target))
  if (there.length === 0) return expected(`target of ${kind}`, target, known.flatMap(({ targets }) => targets))
  const fits = ({ others }: Kind) => others === undefined ? other === undefined : others.includes(other ?? "")
  if (there.some(fits)) return undefined
  if (there.every(({ others }) => others === undefined)) return `other of ${kind} ${target} is ${other}, expected none`
  return expected(`other of ${kind} ${target}`, other ?? "not there", there.flatMap(({ others = [] }) => others))
}

/** What its world cannot do of a plan, if there is such a fault: it would be left out, and nothing would break. */
export const misfit = (
  plan: ReadonlyArray<PlannedFault>,
  kinds: ReadonlyArray<Kind>,
  hours: number
): string | undefined => {
  const end = hours * 3_600_000
  for (const [at, fault] of plan.entries()) {
    const wrong = fault.atMillis > end
      ? `atMillis is ${fault.atMillis}, expected at most ${end}, when its world ends`
      : wrongIn(fault, kinds)
    if (wrong !== undefined) return `fault ${at + 1}: ${wrong}`
  }
  return undefined
}

/** Whether it is the same again, in a line; undefined for a plan that does not say what it found. */
export const again = (
  found: Replay["found"],
  { hash, violation }: { readonly hash: string; readonly violation: { readonly invariant: string } | undefined }
): string | undefined => {
  if (found === undefined) return undefined
  if (found.hash === hash) return "the same, event by event, as when it was found"
  if (violation === undefined) return `nothing broke; it was found with: ${found.invariant}`
  return violation.invariant === found.invariant
    ? "the same promise as when it was found, after other events: the programs are others now"
    : `another promise than when it was found: ${found.invariant}`
}

type Written = Omit<Replay, "version">

export const write = (replay: Written): string => `${JSON.stringify({ version, ...replay }, null, 2)}\n`

/** Where it cannot be written, a line that says why and has the plan: what a night of seeds has found is not lost. */
export const save = (file: string, replay: Written): string | undefined => {
  try {
    fs.writeFileSync(file, write(replay))
    return undefined
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    return `${file} cannot be written, ${why}; it would have been: ${JSON.stringify({ version, ...replay })}`
  }
}
