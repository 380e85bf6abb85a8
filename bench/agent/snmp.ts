/** Five hundred devices with twenty values each, asked once a minute by one agent: Debian's snmpd stands for all of them. */
import { Duration, Effect } from "effect"
import { spawn } from "node:child_process"
import * as fs from "node:fs"
import * as path from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { AgentServiceService } from "../../src/gen/monitoring/monitoring.ts"
import * as GrpcClient from "../../src/layers/grpc/GrpcClient.ts"
import { ChildProgram } from "../processes/ChildProgram.ts"

const targets = 500
const device = 45_161
const agentPort = 45_052
const community = "public-of-the-bench"

const oids = [
  ...Array.from({ length: 6 }, (_, at) => `.1.3.6.1.2.1.1.${at + 1}.0`),
  ...Array.from({ length: 14 }, (_, at) => `.1.3.6.1.2.1.2.2.1.${at + 1}.1`)
].map((oid, at) => ({ oid, name: `value-${at}` }))

/** An address of its own for each device. */
const hostOf = (index: number): string => `127.65.${index >> 8}.${index & 255}`

const detailsOf = (index: number): string =>
  JSON.stringify({ name: `device-${index}`, host: hostOf(index), port: device, community, oids })

const ask = (seconds: number) =>
  Effect.gen(function*() {
    const client = yield* GrpcClient.make(AgentServiceService, { target: `127.0.0.1:${agentPort}` })
    const one = (index: number) =>
      Effect.gen(function*() {
        yield* Effect.sleep(Duration.millis(index * 1000 * seconds / targets))
        const started = performance.now()
        const { available, message } = yield* client.getStatus({
          serviceType: "snmp",
          serviceName: `device-${index}`,
          details: detailsOf(index),
          port: 0,
          agentId: "",
          pollerId: "bench"
        })
        return { millis: performance.now() - started, problem: available ? "" : message.toString().slice(0, 200) }
      })
    return yield* Effect.forEach(Array.from({ length: targets }, (_, index) => index), one, { concurrency: targets })
  }).pipe(Effect.scoped)

/** `folder` is the benchmark's own. */
export const snmp = async (program: string, folder: string, seconds = 60): Promise<Record<string, number>> => {
  const home = path.join(folder, "snmpd")
  fs.mkdirSync(home, { recursive: true })
  fs.writeFileSync(path.join(home, "snmpd.conf"), `agentAddress udp:${device}\nrocommunity ${community} 127.0.0.0/8\n`)
  fs.writeFileSync(
    path.join(home, "agent.json"),
    JSON.stringify({ agent_id: "bench", listen_addr: `127.0.0.1:${agentPort}` })
  )
  const snmpd = spawn("snmpd", ["-f", "-Lo", "-C", "-c", path.join(home, "snmpd.conf"), "-p", path.join(home, "pid")], {
    env: { ...process.env, SNMP_PERSISTENT_DIR: home, MIBS: "" },
    stdio: "ignore"
  })
  const agent = new ChildProgram([program, "agent", "--config", path.join(home, "agent.json"), "--http", "off"], {
    STATE_DIRECTORY: home
  })
  try {
    for (let tries = 0; !agent.lines.some((line) => line.includes("serves gRPC")); tries++) {
      if (tries > 300) throw new Error(`the agent does not start: ${agent.lines.join("\n")}`)
      await sleep(100)
    }
    // The first minute makes the checkers, the second is measured.
    await Effect.runPromise(ask(Math.min(seconds, 20)))
    const answers = await Effect.runPromise(ask(seconds))
    const problems = answers.filter(({ problem }) => problem !== "")
    if (problems.length > 0) throw new Error(`${problems.length} devices did not answer: ${problems[0]?.problem}`)
    const sorted = answers.map(({ millis }) => millis).toSorted((left, right) => left - right)
    return { snmp_p99_ms: Math.round(10 * (sorted[Math.ceil(0.99 * targets) - 1] ?? Number.NaN)) / 10 }
  } finally {
    await agent.stop()
    snmpd.kill("SIGKILL")
  }
}
