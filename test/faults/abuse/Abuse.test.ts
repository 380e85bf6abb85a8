/**
 * Every listening port under every kind of abuse that is known, each from a process of its own, beside a client that
 * behaves well: its slowest calls stay within three times the quiet ones, or the abuser is cut off within 5 s; no other
 * connection is lost, and memory does not grow with the abuse.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted, type Scope } from "effect"
import { spawn } from "node:child_process"
import * as fs from "node:fs/promises"
import * as http from "node:http"
import * as path from "node:path"
import { AgentServiceService, PollerServiceService } from "../../../src/gen/monitoring/monitoring.ts"
import * as GrpcClient from "../../../src/layers/grpc/GrpcClient.ts"
import * as GrpcCredentials from "../../../src/layers/grpc/GrpcCredentials.ts"
import type { Order } from "../../fixtures/abuse/abuser.ts"
import * as Attacks from "../../fixtures/abuse/attacks.ts"
import { authority, write } from "../../support/authority.ts"
import * as CoreProcess from "../../support/coreProcess.ts"
import * as Program from "../../support/Program.ts"
import { temporaryFolder } from "../../support/temporaryFolder.ts"
import { TestDatabase } from "../../support/TestDatabase.ts"

const cutOffMillis = 5_000
/** A machine that does other things too is not always quiet: below this nobody is slow. */
const noiseMillis = 15
/** Often enough for more than a hundred calls in each measurement. */
const callsEveryMillis = 5
/** How long abuse that harms nobody is watched. */
const abuseMillis = 3_000
const quietMillis = 2_000
const settlingMillis = 1_500
const manyConnections = 100
/** Over TLS a process collects garbage of thousands of handshakes for seconds, with pauses of some 100 ms. */
const manySettlingMillis = 6_000
/** Of a process that has had thousands of connections: the allocator keeps what OpenSSL and V8 have given back to it. */
const memoryGrowthMax = 1.5

/**
 * `ABUSE=whole` does everything to every port, which takes five minutes and a machine that does nothing else; without it
 * each port gets what must be cut off, which does not depend on how fast others are.
 */
const isWhole = process.env["ABUSE"] === "whole"

interface Abuser {
  /** Milliseconds after its beginning; none while it is let be. */
  readonly cutOffMillis: () => number | undefined
  readonly hasBegun: () => boolean
}

const abuse = (order: Order): Effect.Effect<Abuser, never, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.sync(() => {
        const script = path.join(Program.projectRoot, "test/fixtures/abuse/abuser.ts")
        const child = spawn(process.execPath, [script, JSON.stringify(order)], { stdio: ["pipe", "pipe", "inherit"] })
        const said = { text: "", cutOff: undefined as number | undefined, begun: performance.now() }
        child.stdout.on("data", (chunk: Buffer) => {
          said.text += chunk.toString("utf8")
          if (said.text.includes("begun") && said.text === "begun\n") said.begun = performance.now()
          if (said.cutOff === undefined && said.text.includes("cut off")) said.cutOff = performance.now() - said.begun
        })
        return { child, said }
      }),
      ({ child }) =>
        Effect.callback<void>((resume) => {
          if (child.exitCode !== null || child.signalCode !== null) return resume(Effect.void)
          child.once("exit", () => resume(Effect.void))
          child.kill("SIGKILL")
        })
    ),
    ({ said }) => ({ cutOffMillis: () => said.cutOff, hasBegun: () => said.text !== "" })
  )

/** One call on a connection that is kept; fails when the connection does. */
type Call = Effect.Effect<void, { readonly message: string }>

const timed = (call: Call) =>
  Effect.gen(function*() {
    const started = performance.now()
    yield* call
    return performance.now() - started
  })

const percentile = (samples: ReadonlyArray<number>, share: number): number =>
  samples.toSorted((left, right) => left - right)[Math.min(samples.length - 1, Math.floor(samples.length * share))] ?? 0

/** Calls one after the other, with a pause, until told that it is enough. */
const callsUntil = Effect.fnUntraced(function*(call: Call, isEnough: (samples: ReadonlyArray<number>) => boolean) {
  const samples: Array<number> = []
  while (!isEnough(samples)) {
    samples.push(yield* timed(call))
    yield* Effect.sleep(callsEveryMillis)
  }
  return samples
})

const residentMebibytes = (pid: number) =>
  Effect.map(
    Effect.promise(() => fs.readFile(`/proc/${pid}/status`, "utf8")),
    (text) => Number(/^VmRSS:\s+(\d+)/m.exec(text)?.[1]) / 1_024
  )

/** What the slowest calls may take beside abuse. */
const boundOf = (quiet: number): number => Math.max(3 * quiet, noiseMillis)

interface Port {
  readonly kind: Order["kind"]
  readonly port: number
  readonly path: string
  readonly tls?: Order["tls"]
  readonly program: Program.Program
  readonly call: Call
}

interface Finding {
  readonly attack: string
  readonly quietMillis: number
  readonly p99Millis: number
  readonly cutOffMillis: number | undefined
}

const callsFor = (call: Call, millis: number) => {
  const until = performance.now() + millis
  return callsUntil(call, () => performance.now() > until)
}

/**
 * How the well-behaved client fares while the port is abused. That thousands of connections come about, or go, in one
 * moment takes a second of any server's work; what is measured is what they do once they are there.
 */
const underAbuse = Effect.fnUntraced(
  function*(port: Port, attack: string, quiet: number) {
    const { call, kind, path, tls } = port
    const isWrong = !Object.hasOwn(Attacks.attacks[kind], attack)
    const started = performance.now()
    const abuser = yield* abuse({ kind, attack, isWrong, port: port.port, path, ...(tls === undefined ? {} : { tls }) })
    // Its own start, and the making of its connections, are not the abuse.
    yield* callsUntil(call, () => abuser.hasBegun() || performance.now() - started > 20_000)
    if ((Attacks.attacks[kind][attack]?.connections ?? 1) > manyConnections && abuser.cutOffMillis() === undefined) {
      yield* callsFor(call, manySettlingMillis)
    }
    const from = performance.now()
    const samples = yield* callsUntil(
      call,
      (so) => {
        const elapsed = performance.now() - from
        const isHarmless = elapsed > abuseMillis && percentile(so, 0.99) <= boundOf(quiet)
        return abuser.cutOffMillis() !== undefined || isHarmless || elapsed > cutOffMillis
      }
    )
    return {
      attack,
      quietMillis: quiet,
      p99Millis: percentile(samples, 0.99),
      cutOffMillis: abuser.cutOffMillis()
    } satisfies Finding
  },
  (finding, port) =>
    Effect.andThen(Effect.scoped(finding), (found) => Effect.as(callsFor(port.call, settlingMillis), found))
)

const withstands = Effect.fnUntraced(function*(port: Port, attacks: ReadonlyArray<string>) {
  // What is loaded and compiled at the first calls, and the memory that the first 5,000 connections ever make a process
  // take from the system and keep for the next ones, is not what abuse costs.
  if (isWhole) yield* underAbuse(port, "idle connections", 0)
  yield* callsFor(port.call, 2_000)
  const before = yield* residentMebibytes(port.program.pid)
  const quiet = percentile(yield* callsFor(port.call, quietMillis), 0.99)
  const findings = yield* Effect.forEach(attacks, (attack) => underAbuse(port, attack, quiet))
  const bound = boundOf(quiet)
  const after = yield* Program.eventually(
    `memory back near ${Math.round(before)} MiB`,
    Effect.flatMap(
      residentMebibytes(port.program.pid),
      (now) => now <= before * memoryGrowthMax ? Effect.succeedSome(now) : Effect.fail(`${now} MiB`)
    ),
    { within: "20 seconds" }
  )
  yield* Effect.logInfo("abuse", { quiet, before, after, findings })

  assert.isTrue(port.program.isRunning())
  assert.deepStrictEqual(
    findings.filter(({ cutOffMillis: cut, p99Millis }) => p99Millis > bound && (cut ?? Infinity) > cutOffMillis),
    []
  )
  return findings
})

const cutOffs = (findings: ReadonlyArray<Finding>): ReadonlyArray<string> =>
  findings.filter(({ cutOffMillis: cut }) => cut !== undefined).map(({ attack }) => attack)

const wrongProtocol = "the wrong protocol"

const floods = (attacks: Readonly<Record<string, Attacks.Attack>>): ReadonlyArray<string> =>
  Object.entries(attacks).filter(([, { isFlood }]) => isFlood).map(([name]) => name)

const mustBeCutOff = [...floods(Attacks.http2), "10,000 streams", wrongProtocol]

/** A connection that is kept; a second one, had it been lost, is an error. */
const keptHttp = (port: number) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.sync(() => new http.Agent({ keepAlive: true, maxSockets: 1 })),
      (agent) => Effect.sync(() => agent.destroy())
    ),
    (agent): Call => {
      let first: number | undefined
      return Effect.callback((resume) => {
        const fail = (message: string) => resume(Effect.fail({ message }))
        const request = http.get({ host: "127.0.0.1", port, path: "/health/live", agent }, (response) => {
          const local = response.socket.localPort
          first ??= local
          response.resume().once("end", () =>
            response.statusCode === 200 && local === first ? resume(Effect.void) : fail("the connection was lost"))
        })
        request.once("error", ({ message }) => {
          fail(message)
        })
        request.setTimeout(10_000, () => {
          fail("no answer within 10 s")
        })
      })
    }
  )

describe("Abuse", () => {
  it.live("of the agent's gRPC over TLS, by a peer with a certificate", () =>
    Effect.gen(function*() {
      const folder = yield* temporaryFolder
      const ca = authority()
      for (const name of ["agent", "poller", "core"]) {
        yield* Effect.promise(() => write(folder, name, ca.issue({ commonName: `${name}.serviceradar` }), ca.root))
      }
      const port = yield* Program.freePort
      const config = path.join(folder, "agent.json")
      const security = {
        mode: "mtls",
        cert_dir: folder,
        role: "agent",
        tls: { cert_file: "agent.pem", key_file: "agent-key.pem", ca_file: "root.pem" },
        rate_limits: { poller: { per_second: 10_000, burst: 10_000 } }
      }
      yield* Effect.promise(() =>
        fs.writeFile(config, JSON.stringify({ agent_id: "a", listen_addr: `127.0.0.1:${port}`, security }))
      )
      const program = yield* Program.start(["agent", "--config", config, "--http", "off"])
      const read = (name: string) => Effect.promise(() => fs.readFile(path.join(folder, name), "utf8"))
      const credentials = yield* GrpcCredentials.mutualClient({
        cert: yield* read("poller.pem"),
        key: yield* read("poller-key.pem"),
        ca: ca.root,
        serverName: "agent.serviceradar"
      })
      const client = yield* GrpcClient.make(AgentServiceService, { target: `127.0.0.1:${port}`, credentials })
      const call = Effect.asVoid(client.getStatus({
        serviceName: "self",
        serviceType: "port",
        agentId: "a",
        pollerId: "p",
        details: `127.0.0.1:${port}`,
        port: 0
      }))
      yield* Program.eventually("an answer", Effect.asSome(call), { within: "90 seconds", programs: [program] })
      const findings = yield* withstands({
        kind: "http2",
        port,
        path: "/monitoring.AgentService/GetStatus",
        tls: { cert: `${folder}/core.pem`, key: `${folder}/core-key.pem`, ca: `${folder}/root.pem` },
        program,
        call
      }, isWhole ? [...Object.keys(Attacks.http2), wrongProtocol] : mustBeCutOff)

      assert.includeMembers([...cutOffs(findings)], mustBeCutOff)
    }), 240_000)

  it.live("of core's gRPC in plain text", () =>
    Effect.gen(function*() {
      const { url } = yield* TestDatabase
      const folder = yield* temporaryFolder
      const { config, ports } = yield* CoreProcess.configured(folder)
      const program = yield* Program.start(["core", "--config", config], { env: { DATABASE_URL: Redacted.value(url) } })
      const client = yield* GrpcClient.make(PollerServiceService, { target: `127.0.0.1:${ports.grpc}` })
      const report = CoreProcess.wireReport(0n, [CoreProcess.wireStatus({ serviceName: "neighbour" })])
      const call = Effect.asVoid(client.reportStatus(report))
      yield* Program.eventually("an answer", Effect.asSome(call), { within: "90 seconds", programs: [program] })
      const findings = yield* withstands({
        kind: "http2",
        port: ports.grpc,
        path: "/monitoring.PollerService/ReportStatus",
        program,
        call
      }, isWhole ? [...Object.keys(Attacks.http2), wrongProtocol] : mustBeCutOff)

      assert.includeMembers([...cutOffs(findings)], mustBeCutOff)
    }).pipe(Effect.provide(TestDatabase.layer)), 240_000)

  it.live("of the HTTP side", () =>
    Effect.gen(function*() {
      const folder = yield* temporaryFolder
      const config = path.join(folder, "agent.json")
      const port = yield* Program.freePort
      yield* Effect.promise(() => fs.writeFile(config, JSON.stringify({ agent_id: "a", listen_addr: "127.0.0.1:0" })))
      const program = yield* Program.start(["agent", "--config", config, "--http", `127.0.0.1:${port}`])
      yield* Program.eventually(
        "an answer",
        Effect.asSome(Program.fetchJson(`http://127.0.0.1:${port}/health/live`)),
        { within: "90 seconds", programs: [program] }
      )
      const findings = yield* withstands({
        kind: "http1",
        port,
        path: "/health/live",
        program,
        call: yield* keptHttp(port)
      }, isWhole ? [...Object.keys(Attacks.http1), wrongProtocol] : [...floods(Attacks.http1), wrongProtocol])

      assert.includeMembers([...cutOffs(findings)], [...floods(Attacks.http1), wrongProtocol])
    }), 240_000)
})
