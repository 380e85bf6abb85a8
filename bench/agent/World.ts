/** The processes of a scenario: an agent, what it looks at, and who asks it. All of them end with the scenario. */
import * as fs from "node:fs"
import * as net from "node:net"
import * as path from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { ChildProgram } from "../processes/ChildProgram.ts"
import { Forked } from "../processes/Forked.ts"
import * as ProcessGroup from "../processes/ProcessGroup.ts"
import * as Processors from "../processes/Processors.ts"
import * as Usage from "../processes/Usage.ts"
import type { Answer, Check, Question } from "./Protocol.ts"
import type { Targets } from "./targets.ts"

export interface Settings {
  readonly folder: string
  /** The launcher of the program. */
  readonly program: string
  readonly node: ReadonlyArray<string>
  /** Of checkers in the agent's folder, besides the few that are asked. */
  readonly files?: number
}

const script = (name: string): string => path.join(import.meta.dirname, `${name}.ts`)

export const say = (text: string): void => console.error(`${new Date().toISOString().slice(11, 19)} ${text}`)

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = net.createServer().listen(0, "127.0.0.1", () => {
      const address = server.address()
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0))
    })
  })

/** Ill in each of the ways that are measured; the external program is killed from outside. */
const plugin = (type: string, check: string): string =>
  `export const contract = 1
export const kind = "checker"
export const serviceTypes = [${JSON.stringify(type)}]
export const check = ${check}
`
const plugins = {
  well: "async ({ details }) => ({ available: true, facts: { details } })",
  crashing: "() => process.exit(1)",
  hanging: "() => new Promise(() => {})",
  spinning: "() => { for (;;); }",
  leaking: "() => { const all = []; for (;;) all.push(new Array(1e5).fill(all.length)) }"
}

export interface Agent {
  readonly address: string
  readonly pid: number
  readonly process: ChildProgram
  /** Of the program that it runs as an external checker. */
  readonly programPort: number
  /** Of a checker whose file may be written anew. */
  readonly changingFile: string
}

export interface World {
  readonly targets: Targets
  readonly agent: Agent
  readonly bare: { readonly address: string; readonly pid: number }
  readonly ask: (question: Question) => Promise<Answer>
  /** The same from another process, so that two can ask at once. */
  readonly askBeside: (question: Question) => Promise<Answer>
  /** The processes of the scenario but what the agent starts. */
  readonly processes: ReadonlyArray<number>
  /** Seconds of processors that all of the machine have used, and the scenario. */
  readonly use: () => { readonly all: number; readonly own: number }
  /** From now on the agent, with all that it starts, has the first processor, and all others have the rest. */
  readonly apart: () => void
}

/** With the checkers of the benchmark, or with nothing but its own. */
export const startAgent = async ({ files = 0, folder, node, program }: Settings, isPlain = false): Promise<Agent> => {
  const home = fs.mkdtempSync(path.join(folder, "agent-"))
  const checkers = path.join(home, "checkers")
  const modules = path.join(home, "plugins")
  const [port, programPort] = [await freePort(), await freePort()]
  fs.mkdirSync(checkers)
  fs.mkdirSync(modules, { mode: 0o755 })
  for (const [type, check] of Object.entries(plugins)) {
    fs.writeFileSync(path.join(modules, `${type}.mjs`), plugin(type, check), { mode: 0o644 })
  }
  fs.writeFileSync(
    path.join(checkers, "killed.json"),
    JSON.stringify({
      name: "killed",
      type: "grpc",
      listen_addr: `127.0.0.1:${programPort}`,
      program: { command: process.execPath, args: [script("healthy"), String(programPort)] }
    })
  )
  fs.writeFileSync(
    path.join(checkers, "true.json"),
    JSON.stringify({ name: "true", type: "exec", details: { program: "/bin/true" } })
  )
  for (let index = 0; index < files; index++) {
    const details = { program: "/bin/true", args: [String(index)] }
    fs.writeFileSync(
      path.join(checkers, `other-${index}.json`),
      JSON.stringify({ name: `other-${index}`, type: "exec", details })
    )
  }
  const changingFile = path.join(checkers, "changing.json")
  fs.writeFileSync(
    changingFile,
    JSON.stringify({ name: "changing", type: "exec", details: { program: "/bin/true" } })
  )
  const file = path.join(home, "agent.json")
  fs.writeFileSync(
    file,
    JSON.stringify({
      agent_id: "bench",
      listen_addr: `127.0.0.1:${port}`,
      ...(isPlain ? {} : { checkers_dir: checkers, plugins: { dir: modules } })
    })
  )
  const child = new ChildProgram([program, "agent", "--config", file, "--http", "off"], {
    NODE_OPTIONS: node.join(" ")
  })
  const end = Date.now() + 60_000
  while (!child.lines.some((line) => line.includes("serves gRPC"))) {
    if (!child.isRunning || Date.now() > end) throw new Error(`The agent does not serve:\n${child.lines.join("\n")}`)
    await sleep(20)
  }
  return { address: `127.0.0.1:${port}`, pid: child.pid, process: child, programPort, changingFile }
}

/**
 * For who asks and who is asked: short collections are brief with little room for what is new. With V8's own 16 MB each took
 * the poller 25 to 75 ms, every six seconds, in which a hundredth of all checks is asked and answered.
 */
const brief = ["--max-semi-space-size=1", "--single-threaded-gc"]

export const withWorld = async <A>(
  settings: Settings,
  use: (world: World) => Promise<A>,
  isPlain = false
): Promise<A> => {
  const forked = { targets: new Forked(script("targets"), {}, brief), bare: new Forked(script("bareServer"), {}) }
  const pollers = { first: new Forked(script("poller"), {}, brief), second: new Forked(script("poller"), {}, brief) }
  const agent = await startAgent(settings, isPlain)
  const processors = Processors.own()
  let groups: ReadonlyArray<ProcessGroup.ProcessGroup> = []
  try {
    const targets: Targets = JSON.parse(await forked.targets.ask({}))
    const barePort: number = JSON.parse(await forked.bare.ask({}))
    const others = [process.pid, ...[forked.targets, forked.bare, pollers.first, pollers.second].map(({ pid }) => pid)]
    const processes = [agent.pid, ...others]
    return await use({
      targets,
      processes,
      use: () =>
        groups.length > 0 && groups.every(({ isMade }) => isMade)
          ? {
            all: ProcessGroup.machineCpuSeconds() + Usage.stolenCpuSeconds(),
            own: groups.reduce((sum, { cpuSeconds }) => sum + cpuSeconds(), 0)
          }
          : {
            all: Usage.machineCpuSeconds(),
            own: processes.reduce((sum, pid) => sum + Usage.cpuSeconds(pid), 0)
          },
      agent,
      bare: { address: `127.0.0.1:${barePort}`, pid: forked.bare.pid },
      ask: async (question) => JSON.parse(await pollers.first.ask(question)),
      askBeside: async (question) => JSON.parse(await pollers.second.ask(question)),
      apart: () => {
        const [first = 0, ...rest] = processors
        if (rest.length === 0) throw new Error("there is one processor alone; --cpus shared does without")
        const own = [agent.pid, ...Usage.childrenOf(agent.pid)]
        for (const pid of own) Processors.bind(pid, [first])
        for (const pid of others) Processors.bind(pid, rest)
        groups = [ProcessGroup.make(own), ProcessGroup.make(others)]
        if (groups.every(({ isMade }) => isMade)) return
        say("there is no group of processes to be had: programs that the agent starts share its processor by sessions")
      }
    })
  } finally {
    await agent.process.stop()
    await Promise.all([forked.targets, forked.bare, pollers.first, pollers.second].map((one) => one.kill()))
    if (groups.length > 0) Processors.bind(process.pid, processors)
    for (const { end } of groups) await end()
  }
}

/** So many checks of the kinds that agents are asked for, most of them cheap ones. */
export const mixed = (count: number, { grpc, http, tcp, udp }: Targets): ReadonlyArray<Check> => {
  const kinds: ReadonlyArray<readonly [share: number, type: string, details: string]> = [
    [35, "port", `127.0.0.1:${tcp}`],
    [20, "http", `http://127.0.0.1:${http}/`],
    [15, "tcp", JSON.stringify({ address: `127.0.0.1:${tcp}`, expect: "220" })],
    [10, "udp", JSON.stringify({ address: `127.0.0.1:${udp}`, send: "x" })],
    [10, "grpc", `127.0.0.1:${grpc}`],
    [5, "process", "node"],
    [3, "sysmon", ""],
    [1, "exec", "true"],
    [1, "well", ""]
  ]
  const row = kinds.flatMap(([share, serviceType, details]) =>
    Array.from({ length: share }, () => [serviceType, details] as const)
  )
  return Array.from({ length: count }, (_, index) => {
    // Spread, so that no kind is asked all at once.
    const [serviceType = "port", details = ""] = row[index * 37 % row.length] ?? []
    return { serviceType, serviceName: `${serviceType}-${index}`, details, port: 0 }
  })
}
