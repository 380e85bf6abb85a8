/** A fault plan in a file, with the seed and the settings of its world. */
import { Result, Schema } from "effect"
import { profiles } from "../../src/domain/simulation/FaultPlan.ts"

const Fault = Schema.Struct({
  kind: Schema.String,
  target: Schema.String,
  other: Schema.optionalKey(Schema.String),
  atMillis: Schema.Finite,
  lastsMillis: Schema.Finite,
  amount: Schema.Finite
})

const Replay = Schema.Struct({
  seed: Schema.String,
  settings: Schema.Struct({
    hours: Schema.Finite,
    agents: Schema.Int,
    checks: Schema.Int,
    pollers: Schema.Int,
    messagesPerSecond: Schema.Finite,
    devices: Schema.Int,
    profile: Schema.Literals(profiles)
  }),
  plan: Schema.Array(Fault)
})
export type Replay = typeof Replay.Type

const decode = Schema.decodeUnknownResult(Schema.fromJsonString(Replay))

/** What is wrong with the text, if it is no plan. */
export const read = (text: string): Replay | string =>
  Result.match(decode(text), { onSuccess: (replay): Replay | string => replay, onFailure: (error) => error.message })

export const write = (replay: Replay): string => `${JSON.stringify(replay, null, 2)}\n`
