/** When a poller gives its agents back, and what is written of it. */
import { Duration, Option, Schema } from "effect"
import * as CallWindow from "../../breaker/CallWindow.ts"
import type { RolloutConfig } from "./Rollout.ts"

export interface Rollback {
  readonly atMillis: number
  readonly reason: string
}

const RollbackFile = Schema.fromJsonString(Schema.Struct({
  at: Schema.DateTimeUtcFromString,
  reason: Schema.String
}))

const decodeFile = Schema.decodeUnknownOption(RollbackFile)

export const toText = ({ atMillis, reason }: Rollback): string =>
  `${JSON.stringify({ at: new Date(atMillis).toISOString(), reason })}\n`

const reasonCharactersMax = 500

/** Whatever is in the file: that it is there is what counts. */
export const fromText = (text: string, seenAtMillis: number): Rollback =>
  Option.match(decodeFile(text), {
    onSome: ({ at, reason }) => ({ atMillis: at.epochMilliseconds, reason }),
    onNone: () => ({
      atMillis: seenAtMillis,
      reason: text.trim().slice(0, reasonCharactersMax) || "asked for by its file"
    })
  })

export const policyOf = ({ errorPollsMin, errorWindow }: RolloutConfig): CallWindow.WindowPolicy => ({
  periodMillis: Duration.toMillis(errorWindow),
  callsMin: errorPollsMin,
  failureRate: undefined,
  slow: undefined
})

export const percentOf = ({ calls, failed }: Pick<CallWindow.Totals, "calls" | "failed">): number =>
  calls === 0 ? 0 : failed / calls * 100

const percentText = (percent: number): string => `${Math.round(percent * 100) / 100} %`

/** Why the polls of the window are a reason to roll back; none when they are not. */
export const reasonOf = (
  { errorPercentMax, errorPollsMin, errorWindow }: RolloutConfig,
  window: CallWindow.CallWindow
): Option.Option<string> => {
  const { calls, failed } = CallWindow.totals(window)
  const percent = percentOf({ calls, failed })
  return calls < errorPollsMin || percent <= errorPercentMax ? Option.none() : Option.some(
    `${failed} of ${calls} polls in ${Duration.format(errorWindow)} had no answer, ${percentText(percent)}; at most ${
      percentText(errorPercentMax)
    } may`
  )
}
