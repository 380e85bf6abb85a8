/** What the processes of the benchmark are told and asked. */

export interface TlsFiles {
  readonly cert: string
  readonly key: string
  readonly ca: string
}

export interface AgentsOptions {
  /** One agent for each; 0 takes any. */
  readonly ports: ReadonlyArray<number>
  readonly tls?: TlsFiles | undefined
  /** What a stream of results holds. */
  readonly devices: number
  /** What they do takes nothing of the processors that anybody else wants. */
  readonly isLast?: boolean
}

/** What a bad agent does: it answers nothing, resets its connections, answers what is no message, or 3 MB. */
export const badKinds = ["hang", "reset", "garbage", "flood"] as const
export type BadKind = typeof badKinds[number]

/**
 * - `ports`: those listened on, once they are.
 * - `calls`: GetStatus calls so far, by poller.
 * - `record`, `arrivals`: begins to keep when each call came; ends it and answers with them.
 * - `returned`: milliseconds from listening to each agent's first call.
 * - `bytes`: of results sent so far.
 * - `bad`, `good`: what the agents are from now on.
 */
export interface Question {
  readonly ask: "ports" | "calls" | "record" | "arrivals" | "returned" | "bytes" | "bad" | "good"
  /** Of bad ones, each the same share. */
  readonly kinds?: ReadonlyArray<BadKind>
}

/** Poller, agent and check; and when, as milliseconds of the epoch. */
export type Arrival = readonly [string, number]

export interface Reported {
  readonly reports: number
  readonly statuses: number
  readonly unavailable: number
  readonly messageBytes: number
}

export interface BareOptions {
  readonly addresses: ReadonlyArray<string>
  readonly checks: number
  readonly intervalMillis: number
}
