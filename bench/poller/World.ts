/** The processes of a scenario: agents, a core, and the pollers between them. All of them end with the scenario. */
import * as fs from "node:fs"
import * as path from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { ChildProgram } from "../processes/ChildProgram.ts"
import { Forked } from "../processes/Forked.ts"
import * as Processors from "../processes/Processors.ts"
import type { AgentsOptions, Arrival, BareOptions, Question, Reported, TlsFiles } from "./Protocol.ts"

const script = (name: string): string => path.join(import.meta.dirname, `${name}.ts`)
const certificate = (name: string): string => path.join(import.meta.dirname, "../../test/fixtures/tls", `${name}.pem`)

export const checksPerAgent = 5
const agentsPerProcess = 1_000
const firstRoundSeconds = 120

export const say = (text: string): void => console.error(`${new Date().toISOString().slice(11, 19)} ${text}`)

export const pause = async (seconds: number): Promise<void> => void await sleep(seconds * 1_000)

/** Undefined without values. */
export const percentile = (values: ReadonlyArray<number>, share: number): number =>
  values.toSorted((a, b) => a - b)[Math.max(0, Math.ceil(values.length * share) - 1)] ?? Number.NaN

export const median = (values: ReadonlyArray<number>): number => percentile(values, 0.5)

export const round = (value: number, digits = 1): number => Math.round(value * 10 ** digits) / 10 ** digits

/** Files that `owner` shows: copies that nobody else can read, because a poller refuses the keys of a checkout. */
const tlsFiles = (folder: string, owner: "agent" | "poller"): TlsFiles => {
  const copied = (name: string): string => {
    const file = path.join(folder, `${name}.pem`)
    fs.copyFileSync(certificate(name), file)
    fs.chmodSync(file, 0o600)
    return file
  }
  return { cert: copied(owner), key: copied(`${owner}-key`), ca: copied("root") }
}

const securityOf = ({ ca, cert, key }: TlsFiles) => ({
  mode: "mtls",
  role: "poller",
  tls: { cert_file: cert, key_file: key, ca_file: ca }
})

export interface Group {
  readonly process: Forked
  readonly ports: ReadonlyArray<number>
}

export interface PollerStart {
  /** Tells its calls from those of others. */
  readonly pollerId: string
  readonly agents: ReadonlyArray<number>
  readonly interval: number
  readonly coreAddress: string
  readonly isTls?: boolean
  /** In place of the checks that every agent has. */
  readonly checks?: ReadonlyArray<object>
  /** The agent of this index has one check less. */
  readonly otherAgent?: number
  /** Takes over from the one that runs with the same file. */
  readonly replaces?: boolean
  /** Where to write how long each poll took. */
  readonly clock?: string
}

export interface Settings {
  readonly folder: string
  readonly program: string
  readonly node: ReadonlyArray<string>
  /** A folder for profiles of the CPU. */
  readonly profile: string | undefined
}

const checks = Array.from({ length: checksPerAgent }, (_, index) => ({
  service_type: "port",
  service_name: `port-${index}`,
  details: "127.0.0.1:22",
  port: 22
}))

export class World {
  readonly #settings: Settings
  readonly #forked: Array<Forked> = []
  readonly #programs: Array<ChildProgram> = []
  /** Whose processors this process left, to have them back at the end. */
  #apart: ReadonlyArray<number> | undefined
  core: Forked | undefined
  coreAddress = ""

  constructor(settings: Settings) {
    this.#settings = settings
  }

  #fork(name: string, options: object): Forked {
    const forked = new Forked(script(name), options)
    this.#forked.push(forked)
    return forked
  }

  async group(options: AgentsOptions): Promise<Group> {
    const process = this.#fork("agents", options)
    const ports: ReadonlyArray<number> = JSON.parse(await process.ask({ ask: "ports" } satisfies Question))
    return { process, ports }
  }

  async agents(count: number, isTls = false): Promise<ReadonlyArray<Group>> {
    const groups: Array<Group> = []
    for (let left = count; left > 0; left -= agentsPerProcess) {
      groups.push(
        await this.group({
          ports: Array.from({ length: Math.min(left, agentsPerProcess) }, () => 0),
          tls: isTls ? tlsFiles(this.#settings.folder, "agent") : undefined,
          devices: 0
        })
      )
    }
    return groups
  }

  async startCore(): Promise<void> {
    this.core = this.#fork("core", {})
    this.coreAddress = `127.0.0.1:${await this.core.ask({ ask: "port" })}`
  }

  /**
   * The poller has a processor of its own, as a machine of its own would be; everybody else shares the others. Whoever is in
   * `last`, and core, take nothing there that the agents want, who would else answer late for them.
   */
  setApart(pollerPid: number, last: ReadonlyArray<Forked>): void {
    const [first, ...others] = Processors.own()
    if (first === undefined || others.length === 0) {
      throw new Error("there is one processor; --cpus shared does without another")
    }
    Processors.bind(process.pid, others)
    for (const { pid } of this.#forked) Processors.bind(pid, others)
    Processors.bind(pollerPid, [first])
    for (const { pid } of this.core === undefined ? last : [...last, this.core]) Processors.giveWay(pid)
    this.#apart = [first, ...others]
  }

  async reported(): Promise<Reported> {
    if (this.core === undefined) throw new Error("there is no core")
    return JSON.parse(await this.core.ask({ ask: "reported" }))
  }

  bare(options: BareOptions): Forked {
    return this.#fork("bareClient", options)
  }

  /** Writes the file of a poller, whether that runs or not. */
  configure(start: PollerStart): string {
    const file = path.join(
      this.#settings.folder,
      `${start.pollerId.replaceAll(/[^a-z0-9]+/gi, "-")}${start.isTls === true ? "-mtls" : ""}.json`
    )
    const security = start.isTls === true ? { security: securityOf(tlsFiles(this.#settings.folder, "poller")) } : {}
    fs.writeFileSync(
      file,
      JSON.stringify({
        poller_id: start.pollerId,
        partition: "default",
        source_ip: "127.0.0.1",
        core_address: start.coreAddress,
        poll_interval: `${start.interval}s`,
        buffer: { dir: `${file}.buffer` },
        agents: Object.fromEntries(start.agents.map((port, index) => [
          `agent-${index}`,
          {
            address: `127.0.0.1:${port}`,
            checks: index === start.otherAgent ? checks.slice(1) : start.checks ?? checks,
            ...security
          }
        ]))
      })
    )
    return file
  }

  poller(start: PollerStart, { node, program }: Pick<Settings, "node" | "program"> = this.#settings): ChildProgram {
    const { profile } = this.#settings
    const file = this.configure(start)
    const profiled = profile === undefined
      ? []
      : ["--cpu-prof", `--cpu-prof-dir=${path.join(profile, start.pollerId)}`, "--cpu-prof-interval=500"]
    const clock = start.clock === undefined
      ? {}
      : {
        NODE_OPTIONS: `--import=${script("pollClock")} --import=${script("stallClock")}`,
        BENCH_POLL_CLOCK: start.clock,
        BENCH_STALL_CLOCK: `${start.clock}.stalls`
      }
    const child = new ChildProgram(
      [
        ...node,
        ...profiled,
        program,
        "poller",
        "--config",
        file,
        "--http",
        "off",
        "--log-level",
        "warn",
        ...(start.replaces === true ? ["--replace"] : [])
      ],
      clock
    )
    this.#programs.push(child)
    return child
  }

  /** Of one that is to end. */
  forget(program: ChildProgram): void {
    this.#programs.splice(this.#programs.indexOf(program), 1)
  }

  /** Calls that a poller made so far, of all agents. */
  async calls(groups: ReadonlyArray<Group>): Promise<Readonly<Record<string, number>>> {
    const total: Record<string, number> = {}
    for (const { process } of groups) {
      const calls: Readonly<Record<string, number>> = JSON.parse(await process.ask({ ask: "calls" } satisfies Question))
      for (const [pollerId, count] of Object.entries(calls)) total[pollerId] = (total[pollerId] ?? 0) + count
    }
    return total
  }

  async record(groups: ReadonlyArray<Group>): Promise<void> {
    await Promise.all(groups.map(({ process }) => process.ask({ ask: "record" } satisfies Question)))
  }

  async arrivals(groups: ReadonlyArray<Group>): Promise<ReadonlyArray<Arrival>> {
    const taken = await Promise.all(groups.map(({ process }) => process.ask({ ask: "arrivals" } satisfies Question)))
    return taken.flatMap((text): ReadonlyArray<Arrival> => JSON.parse(text))
  }

  /** Until each of them has made its first round; a machine that is busy with other things takes its time for it. */
  async firstRound(groups: ReadonlyArray<Group>, pollerIds: Iterable<string>): Promise<void> {
    const expected = groups.reduce((sum, { ports }) => sum + ports.length, 0) * checksPerAgent
    const names = [...pollerIds]
    const deadline = performance.now() + firstRoundSeconds * 1_000
    while (true) {
      this.assertRunning()
      const calls = await this.calls(groups)
      if (names.every((name) => (calls[name] ?? 0) >= expected)) return
      if (performance.now() > deadline) {
        const made = names.map((name) => `${name} made ${calls[name] ?? 0} of ${expected} calls`).join(", ")
        throw new Error(`no first round within ${firstRoundSeconds} s: ${made}\n${this.#lastLines()}`)
      }
      await pause(1)
    }
  }

  assertRunning(): void {
    const ended = this.#programs.find(({ isRunning }) => !isRunning)
    if (ended !== undefined) throw new Error(`a poller ended:\n${ended.lines.slice(-20).join("\n")}`)
  }

  /** What the pollers said themselves. */
  #lastLines(): string {
    return this.#programs.flatMap(({ lines }) => lines.slice(-20)).join("\n")
  }

  async stop(): Promise<void> {
    if (this.#apart !== undefined) Processors.bind(process.pid, this.#apart)
    await Promise.all(this.#programs.map((program) => program.stop()))
    await Promise.all(this.#forked.map((forked) => forked.kill()))
  }
}

export const withWorld = async <A>(settings: Settings, use: (world: World) => Promise<A>): Promise<A> => {
  const world = new World(settings)
  try {
    await world.startCore()
    return await use(world)
  } finally {
    await world.stop()
  }
}
