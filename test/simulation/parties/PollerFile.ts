/** A poller's configuration file, as an operator changes it while the poller runs. */
import * as Certificates from "./Certificates.ts"
import { HostFiles } from "./HostFiles.ts"

export const path = "/etc/serviceradar/poller.json"

export interface PollerFileOptions {
  readonly pollerId: string
  readonly core: string
  readonly agents: ReadonlyArray<string>
  /** Of each agent. */
  readonly checks: ReadonlyArray<string>
  /** Of a check, where it has one of its own. */
  readonly ownIntervalOf: (check: string) => number | undefined
  /** Agents of which results are asked, too: once, and as a stream. */
  readonly results: ReadonlyArray<string>
  /** Agents that it dials with certificates; where there are some, core, too. */
  readonly secured: ReadonlyArray<string>
  readonly port: number
  readonly intervalMillis: number
  readonly nowMillis: () => number
}

const resultsEvery = "60s"

/** Of which the agent has a file with its address. */
export const checkerName = "results-grpc"

/** Nobody listens there, so an agent of good will has none. */
const resultsEntries = (agent: string) => [
  { service_type: "grpc", service_name: checkerName, details: "", results_interval: resultsEvery },
  { service_type: "sync", service_name: "results-sync", details: `${agent}:9`, results_interval: resultsEvery }
]

/** How many of an agent's checks are asked for results that are no stream. */
export const resultsMax = 1

/** In the place of an agent's last check, while it has another one. */
export const extraCheck = "check-extra"

/** The name by which a host is reached beside its own. */
export const otherName = (host: string): string => `${host}-other`

/** A poller that is started again meanwhile cannot be: it must be back before anybody counts on it. */
export const brokenMaxMillis = 60_000

interface IntervalSince {
  readonly atMillis: number
  readonly intervalMillis: number
}

/** What of an agent may be another way than it is at first. */
export type AgentChange = "gone" | "moved" | "otherCheck"

/** How long after the file the poller may still go by the one before: it looks every two seconds, and the round ends. */
const takenUpMillis = 50_000

export class PollerFile {
  readonly files = new HostFiles()
  readonly #options: PollerFileOptions
  /** How often each is so, of those that are: what is done twice is to be taken back twice. */
  readonly #changes = new Map<string, number>()
  /** Since when agents are out of it. */
  readonly #gone = new Map<string, number>()
  readonly #intervals: Array<IntervalSince>
  #broken = 0
  /** Since when it can be used again. */
  #usableMillis = -Infinity
  #wasUsable = true

  constructor(options: PollerFileOptions) {
    this.#options = options
    this.#intervals = [{ atMillis: -Infinity, intervalMillis: options.intervalMillis }]
    this.#write()
  }

  /** From now on; answers how to take it back. */
  change(agent: string, what: AgentChange): () => void {
    const key = `${agent} ${what}`
    if (what === "gone" && !this.is(agent, what)) this.#gone.set(agent, this.#options.nowMillis())
    return this.#counted((more) => this.#changes.set(key, (this.#changes.get(key) ?? 0) + more))
  }

  is(agent: string, what: AgentChange): boolean {
    return (this.#changes.get(`${agent} ${what}`) ?? 0) > 0
  }

  /** How long a file that can be used has been without the agent; 0 while it has it, or cannot be used. */
  goneMillis(agent: string): number {
    if (!this.#isUsable || !this.is(agent, "gone")) return 0
    return this.#options.nowMillis() - Math.max(this.#usableMillis, this.#gone.get(agent) ?? Infinity)
  }

  /** What is there is no configuration. */
  break(): () => void {
    return this.#counted((more) => {
      this.#broken += more
    })
  }

  setInterval(intervalMillis: number): () => void {
    this.#intervals.push({ atMillis: this.#options.nowMillis(), intervalMillis })
    this.#write()
    return () => {
      this.#intervals.push({ atMillis: this.#options.nowMillis(), intervalMillis: this.#options.intervalMillis })
      this.#write()
    }
  }

  /** The least and the most that may still count. */
  get intervals(): readonly [least: number, most: number] {
    const now = this.#options.nowMillis()
    const since = this.#isUsable ? this.#usableMillis : now
    // What was written while it could not be used counts from then on.
    const before = now - takenUpMillis - (now - since < takenUpMillis ? brokenMaxMillis : 0)
    const first = this.#intervals.findLastIndex(({ atMillis }) => atMillis <= before)
    const all = this.#intervals.slice(first).map(({ intervalMillis }) => intervalMillis)
    return [Math.min(...all), Math.max(...all)]
  }

  #counted(add: (more: number) => void): () => void {
    add(1)
    this.#write()
    return () => {
      add(-1)
      this.#write()
    }
  }

  #checksOf(agent: string): ReadonlyArray<string> {
    const { checks } = this.#options
    return this.is(agent, "otherCheck") ? [...checks.slice(0, -1), extraCheck] : checks
  }

  get #isUsable(): boolean {
    return this.#broken === 0 && this.#options.agents.some((agent) => !this.is(agent, "gone"))
  }

  #write(): void {
    const wasUsable = this.#wasUsable
    this.#wasUsable = this.#isUsable
    if (this.#wasUsable && !wasUsable) this.#usableMillis = this.#options.nowMillis()
    const { agents, core, ownIntervalOf, pollerId, port, results, secured } = this.#options
    const there = agents.filter((agent) => !this.is(agent, "gone"))
    const text = JSON.stringify({
      poller_id: pollerId,
      core_address: core,
      ...(secured.length > 0 ? { security: Certificates.block("poller") } : {}),
      poll_interval: `${this.#intervals.at(-1)?.intervalMillis}ms`,
      agents: Object.fromEntries(there.map((agent) => [agent, {
        address: `${this.is(agent, "moved") ? otherName(agent) : agent}:${port}`,
        ...(secured.includes(agent) ? { security: Certificates.block("poller", agent) } : {}),
        checks: [
          ...this.#checksOf(agent).map((check) => {
            const own = ownIntervalOf(check)
            return {
              service_type: "port",
              service_name: check,
              details: "192.0.2.1:22",
              ...(own === undefined ? {} : { interval: `${own}ms` })
            }
          }),
          ...(results.includes(agent) ? resultsEntries(agent) : [])
        ]
      }]))
    })
    this.files.write(path, this.#broken > 0 ? text.slice(0, text.length / 2) : text)
  }
}
