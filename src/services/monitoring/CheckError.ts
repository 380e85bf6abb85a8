/** Why a check was not made. What a probe observed is never an error. */
import { Schema } from "effect"
import type { ProbeError } from "./Prober.ts"

/** Every checker that may be kept is at work. */
export class AgentBusy extends Schema.TaggedError<AgentBusy>()("AgentBusy", {
  checkersMax: Schema.Int
}) {
  override get message(): string {
    return `All ${this.checkersMax} checkers of this agent are at work: raise the limit or spread the checks over agents`
  }
}

/** More wait for this one check than may. */
export class CheckerBusy extends Schema.TaggedError<CheckerBusy>()("CheckerBusy", {
  checker: Schema.String,
  waitingMax: Schema.Int
}) {
  override get message(): string {
    return `${this.waitingMax} requests wait for the check ${this.checker} already: ask less often, or after the answer`
  }
}

/** The checkers are starting, stopping or being restarted. */
export class AgentNotReady extends Schema.TaggedError<AgentNotReady>()("AgentNotReady", {}) {
  override get message(): string {
    return "The agent's checkers are not running at the moment: ask again"
  }
}

export type CheckError = ProbeError | AgentBusy | CheckerBusy | AgentNotReady
