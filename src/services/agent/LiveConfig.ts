/**
 * The configuration of an agent that runs: what of it may change without a new start says what it is now, whenever it is
 * read; everything else stays as it was at the start.
 */
import type { AgentConfig } from "../../domain/agent/AgentConfig.ts"

export interface LiveConfig {
  readonly config: AgentConfig
  readonly current: () => AgentConfig
  readonly replace: (next: AgentConfig) => void
}

export const make = (first: AgentConfig): LiveConfig => {
  let now = first
  return {
    config: {
      ...first,
      get checkers() {
        return now.checkers
      },
      get availability() {
        return now.availability
      },
      get registration() {
        return now.registration
      }
    },
    current: () => now,
    replace: (next) => {
      now = next
    }
  }
}
