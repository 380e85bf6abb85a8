/**
 * Which agents of its file a poller takes while it runs beside another one, and when it gives them back.
 *
 * An agent's own name decides, so that a new agent moves no other, and a higher percentage only adds.
 */
import { Duration, Option, Schema } from "effect"
import { GoDuration } from "../../config/GoDuration.ts"
import { shareOf } from "../StableShare.ts"

const Percent = Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 100 }))

const shadowBytesDefault = 256 * 2 ** 20
const shadowBytesMin = 2 ** 20
const errorPercentDefault = 1
const errorWindowDefault = Duration.minutes(5)
const errorPollsDefault = 50

/** Beyond the keys of existing pollers. */
export const RolloutBlock = Schema.Struct({
  /** `shadow`: polls, and writes what it would have sent instead of sending it. */
  mode: Schema.optionalKey(Schema.Literals(["active", "shadow"])),
  /** Of the agents in the file. All, or only those of `agents` where there are any, unless told. */
  percent: Schema.optionalKey(Percent),
  /** Taken whatever the percentage. */
  agents: Schema.optionalKey(Schema.Array(Schema.String)),
  /** Where the shadow's file and the rollback are kept; one poller for each. */
  dir: Schema.optionalKey(Schema.String),
  shadow_max_bytes: Schema.optionalKey(Schema.Int.check(Schema.isGreaterThanOrEqualTo(shadowBytesMin))),
  /** Of the polls in the window; more that no agent answers roll back. */
  error_percent_max: Schema.optionalKey(Percent),
  error_window: Schema.optionalKey(GoDuration),
  /** Fewer polls in the window are not judged. */
  error_polls_min: Schema.optionalKey(Schema.Int.check(Schema.isGreaterThanOrEqualTo(1)))
})
export type RolloutBlock = typeof RolloutBlock.Type

export interface RolloutConfig {
  readonly isShadow: boolean
  /** 0 to 100. */
  readonly percent: number
  readonly agents: ReadonlySet<string>
  /** None: where the poller finds a place for it. */
  readonly folder: Option.Option<string>
  /** Of the shadow's files together. */
  readonly shadowBytesMax: number
  /** 0 to 100. */
  readonly errorPercentMax: number
  readonly errorWindow: Duration.Duration
  readonly errorPollsMin: number
}

export const fromBlock = (block: RolloutBlock): RolloutConfig => ({
  isShadow: block.mode === "shadow",
  percent: block.percent ?? (block.agents === undefined ? 100 : 0),
  agents: new Set(block.agents),
  folder: Option.liftPredicate((folder: string) => folder !== "")(block.dir ?? ""),
  shadowBytesMax: block.shadow_max_bytes ?? shadowBytesDefault,
  errorPercentMax: block.error_percent_max ?? errorPercentDefault,
  errorWindow: block.error_window === undefined || Duration.isZero(block.error_window)
    ? errorWindowDefault
    : block.error_window,
  errorPollsMin: block.error_polls_min ?? errorPollsDefault
})

/** Not the share that spreads an agent's polls: those of a tenth of the agents would all come in a tenth of the interval. */
const pointOf = (agentId: string): number => shareOf(`rollout ${agentId}`) * 100

export const takes = ({ agents, percent }: Pick<RolloutConfig, "agents" | "percent">, agentId: string): boolean =>
  agents.has(agentId) || pointOf(agentId) < percent

/** Of the entries of a file, by their names. */
export const taken = <A>(
  block: RolloutBlock | undefined,
  entries: ReadonlyArray<readonly [name: string, agent: A]>
): ReadonlyArray<readonly [name: string, agent: A]> => {
  if (block === undefined) return entries
  const rollout = fromBlock(block)
  return entries.filter(([name]) => takes(rollout, name))
}

/** What an operator should know although the block is valid. */
export const notices = (
  block: RolloutBlock,
  agentIds: ReadonlyArray<string>
): ReadonlyArray<{ readonly key: string; readonly notice: string }> => {
  const known = new Set(agentIds)
  const strangers = (block.agents ?? []).flatMap((agentId, index) =>
    known.has(agentId) ? [] : [{
      key: `rollout.agents[${index}]`,
      notice: `${JSON.stringify(agentId)} is none of the file's agents`
    }]
  )
  const rollout = fromBlock(block)
  const count = agentIds.filter((agentId) => takes(rollout, agentId)).length
  const what = rollout.isShadow ? "polled without a report to core" : "polled"
  return [
    { key: "rollout", notice: `${count} of the ${agentIds.length} agents are ${what}` },
    ...strangers
  ]
}
