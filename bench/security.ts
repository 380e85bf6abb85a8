/**
 * What security costs: handshakes, unary calls in plain text, over mTLS and signed in one run, signatures and
 * authorisation. Client and server are in one process, so a call's two ends share its core.
 *
 *   npm run bench -- security [--seconds 3] [--rounds 3] [--callers 32]
 */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Effect, Layer, Option, References, Result, Stream } from "effect"
import * as crypto from "node:crypto"
import * as fs from "node:fs/promises"
import * as http2 from "node:http2"
import * as os from "node:os"
import * as path from "node:path"
import * as tls from "node:tls"
import * as Authorization from "../src/domain/security/Authorization.ts"
import type { CertificateIdentity } from "../src/domain/security/CertificateIdentity.ts"
import * as NonceMemory from "../src/domain/security/NonceMemory.ts"
import * as SecurityConfig from "../src/domain/security/SecurityConfig.ts"
import * as SigningPolicy from "../src/domain/security/SigningPolicy.ts"
import * as TokenBucket from "../src/domain/security/TokenBucket.ts"
import { AgentServiceService } from "../src/gen/monitoring/monitoring.ts"
import * as AgentServiceHandlers from "../src/layers/agent/AgentServiceHandlers.ts"
import * as GrpcClient from "../src/layers/grpc/GrpcClient.ts"
import { Unimplemented } from "../src/layers/grpc/GrpcError.ts"
import * as GrpcServer from "../src/layers/grpc/GrpcServer.ts"
import * as CertificateAuthority from "../src/layers/security/CertificateAuthority.ts"
import * as CertificateSet from "../src/layers/security/CertificateSet.ts"
import * as GrpcAuthorization from "../src/layers/security/GrpcAuthorization.ts"
import * as GrpcCredentials from "../src/layers/security/GrpcCredentials.ts"
import * as SecurityLayer from "../src/layers/security/SecurityLayer.ts"
import * as CallSignature from "../src/layers/security/signing/CallSignature.ts"
import * as Ed25519 from "../src/layers/security/signing/Ed25519.ts"
import * as MessageSigner from "../src/layers/security/signing/MessageSigner.ts"
import type { Row } from "./Table.ts"

const hour = 3_600_000
const names = ["agent", "poller"] as const

interface Pems {
  readonly root: string
  readonly of: (name: string) => { readonly cert: string; readonly key: string }
}

/** Leaves of Ed25519, as the figure for signing is asked; the CA has P-256. */
const certificates = (): Pems => {
  const now = Date.now()
  const validity = { notBeforeMillis: now - hour, notAfterMillis: now + hour }
  const keys = CertificateAuthority.newKeys()
  const issuer = { name: CertificateAuthority.nameOf("Bench"), keys }
  const made = new Map<string, { readonly cert: string; readonly key: string }>(names.map((name) => {
    const own = crypto.generateKeyPairSync("ed25519")
    const subject = { commonName: `${name}.serviceradar`, dnsNames: ["localhost"], addresses: ["127.0.0.1"] }
    const cert = CertificateAuthority.issueLeaf(issuer, subject, own.publicKey, validity)
    return [name, { cert, key: CertificateAuthority.keyPem(own) }] as const
  }))
  return {
    root: CertificateAuthority.issueAuthority("Bench", keys, validity),
    of: (name) => made.get(name) ?? { cert: "", key: "" }
  }
}

const blockOf = (folder: string, name: string, more: Partial<SecurityConfig.SecurityBlock> = {}) =>
  SecurityConfig.fromBlock({
    mode: "mtls",
    cert_dir: folder,
    server_name: "localhost",
    tls: { cert_file: `${name}.pem`, key_file: `${name}-key.pem`, ca_file: "root.pem" },
    rate_limits: { poller: { per_second: 1e9, burst: 1e9 } },
    ...more
  })

const service = GrpcServer.service(AgentServiceService, {
  getStatus: ({ serviceName }) =>
    Effect.succeed({
      available: true,
      message: Buffer.from("{\"available\":true}"),
      serviceName,
      serviceType: "port",
      responseTime: 1n,
      agentId: "agent",
      pollerId: "poller"
    }),
  getResults: () => Effect.fail(new Unimplemented({ detail: "not measured" })),
  streamResults: () => Stream.fail(new Unimplemented({ detail: "not measured" }))
})

const request = {
  serviceName: "ssh",
  serviceType: "port",
  agentId: "agent",
  pollerId: "poller",
  details: "127.0.0.1:22",
  port: 22
}

/** A server and a connected client; answers what measures its calls per second. */
const pair = Effect.fnUntraced(function*(
  served: SecurityConfig.SecurityConfig,
  dialled: SecurityConfig.SecurityConfig,
  callers: number
) {
  const server = yield* GrpcServer.make({
    host: "127.0.0.1",
    port: 0,
    credentials: yield* GrpcCredentials.server(served, "127.0.0.1"),
    interceptors: yield* GrpcAuthorization.interceptors(served, "127.0.0.1", [AgentServiceHandlers.requirements]),
    services: [service]
  })
  const target = `127.0.0.1:${server.port}`
  const client = yield* GrpcClient.make(AgentServiceService, {
    target,
    credentials: yield* GrpcCredentials.client(dialled, target)
  })
  yield* client.getStatus(request)
  const rate = Effect.fnUntraced(function*(seconds: number) {
    let calls = 0
    const started = performance.now()
    const end = started + seconds * 1_000
    const caller = Effect.whileLoop({
      while: () => performance.now() < end,
      body: () => client.getStatus(request),
      step: () => void (calls += 1)
    })
    yield* Effect.all(Array.from({ length: callers }, () => caller), { concurrency: "unbounded", discard: true })
    return calls / (performance.now() - started) * 1_000
  })
  return { rate, port: server.port }
})

/** New connections with certificates on both sides, one after the other, until HTTP/2 speaks. */
const handshakes = async (port: number, seconds: number, pems: Pems): Promise<number> => {
  const secureContext = tls.createSecureContext({ ca: pems.root, ...pems.of("poller"), minVersion: "TLSv1.3" })
  const started = performance.now()
  let count = 0
  while (performance.now() - started < seconds * 1_000) {
    await new Promise<void>((resolve, reject) => {
      const session = http2.connect(`https://localhost:${port}`, {
        host: "127.0.0.1",
        secureContext,
        servername: "localhost"
      })
      session.once("error", reject)
      session.once("remoteSettings", () => session.destroy())
      session.once("close", () => resolve())
    })
    count += 1
  }
  return count / (performance.now() - started) * 1_000
}

/**
 * Microseconds of one, in the median of several rounds: of the processor, not of the clock, so that other work on the
 * machine is not in it. The kernel counts in steps of 4 ms, which a round must be far longer than.
 */
const microsOf = (rounds: number, times: number, body: () => void): number => {
  for (let count = 0; count < times / 10; count++) body()
  const found = Array.from({ length: rounds }, () => {
    const before = process.threadCpuUsage()
    for (let count = 0; count < times; count++) body()
    const { system, user } = process.threadCpuUsage(before)
    return (user + system) / times
  })
  return median(found)
}

const median = (values: ReadonlyArray<number>): number =>
  values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)] ?? 0

/** Medians of all, which run in turn, so that whatever else the machine does meets each of them. */
const microsOfEach = (rounds: number, times: number, bodies: ReadonlyArray<() => void>): ReadonlyArray<number> => {
  const found = Array.from({ length: rounds }, () => bodies.map((body) => microsOf(1, times, body)))
  return bodies.map((_, index) => median(found.map((round) => round[index] ?? 0)))
}

const inTurn = <A>(values: ReadonlyArray<A>): () => A => {
  let at = 0
  return () => {
    const value = values[at++ % values.length]
    if (value === undefined) throw new Error("nothing to take in turn")
    return value
  }
}

/**
 * Everything that a signed call adds at each end: payload, encoding, headers, signature, nonce. Beside it what
 * node:crypto alone takes, below which nothing can go.
 */
const signatures = (pems: Pems, rounds: number) => {
  const pem = (text: string) => ({ file: "bench", text })
  const own = pems.of("poller")
  const set = Result.getOrThrow(CertificateSet.make({
    cert: pem(own.cert),
    key: pem(own.key),
    ca: pem(pems.root),
    clientCa: pem(pems.root),
    isRooted: true
  }, Date.now()))
  const signer = Result.getOrThrow(MessageSigner.signerOf(set))
  const senders = new MessageSigner.SenderBook(pems.root)
  const method = AgentServiceService.getStatus.path
  const bytes = AgentServiceService.getStatus.requestSerialize(request)
  const sign = () => CallSignature.sign(signer, { method, request: bytes }, Math.floor(Date.now() / 1_000))
  // Many, because how long one takes to verify depends on its bits.
  const calls = inTurn(Array.from({ length: 256 }, () => {
    const metadata = Object.fromEntries(Object.entries(sign()).map(([name, value]) => [name, [value]]))
    return { metadata, method, peer: signer.sender, request: bytes }
  }))
  const verify = () => {
    // A memory that has it not seen: of one message it would know the nonce after the first time.
    const nonces = NonceMemory.make({ countMax: 1, ageMaxSeconds: 300 })
    Result.getOrThrow(CallSignature.verify({ nonces, senders, time: SigningPolicy.unsigned.time }, calls(), Date.now()))
  }
  const { privateKey, publicKey } = crypto.generateKeyPairSync("ed25519")
  const bare = inTurn(Array.from({ length: 256 }, () => {
    const message = crypto.randomBytes(200)
    return { message, signature: crypto.sign(null, message, privateKey) }
  }))
  const [signed = 0, verified = 0, bareSigned = 0, bareVerified = 0] = microsOfEach(Math.max(3, rounds) * 3, 3_000, [
    sign,
    verify,
    () => crypto.sign(null, bare().message, privateKey),
    () => {
      const { message, signature } = bare()
      crypto.verify(null, message, publicKey, signature)
    }
  ])
  return { sign: signed, verify: verified, bareSign: bareSigned, bareVerify: bareVerified }
}

const authorization = (rounds: number): number => {
  const identity: CertificateIdentity = { commonName: "poller.serviceradar", spiffeId: Option.none() }
  const bucket = TokenBucket.make({ perSecond: 1e9, burst: 1e9 })
  const call = { method: AgentServiceService.getStatus.path, requirement: "poll" } as const
  return microsOf(Math.max(3, rounds), 1_000_000, () => {
    Result.getOrThrow(Authorization.decide(identity, call, Authorization.everyRole))
    bucket.take(Date.now())
  })
}

const measure = Effect.fnUntraced(function*(folder: string, pems: Pems, options: ReadonlyMap<string, string>) {
  const seconds = Number(options.get("seconds") ?? 3)
  const rounds = Number(options.get("rounds") ?? 3)
  const callers = Number(options.get("callers") ?? 32)
  const signing = { signing: { send: true, verify: "require", nonces_max: 1_000_000 } } as const
  const pairs = {
    plain: yield* pair(SecurityConfig.none, SecurityConfig.none, callers),
    mtls: yield* pair(blockOf(folder, "agent"), blockOf(folder, "poller"), callers),
    signed: yield* pair(blockOf(folder, "agent", signing), blockOf(folder, "poller", signing), callers)
  }
  const rates: Record<keyof typeof pairs, Array<number>> = { plain: [], mtls: [], signed: [] }
  for (const one of Object.values(pairs)) yield* one.rate(Math.min(1, seconds))
  // In turn, so that whatever else the machine does meets all three.
  for (let round = 0; round < rounds; round++) {
    for (const name of ["plain", "mtls", "signed"] as const) rates[name].push(yield* pairs[name].rate(seconds))
  }
  return {
    plain: median(rates.plain),
    mtls: median(rates.mtls),
    signed: median(rates.signed),
    handshakes: yield* Effect.promise(() => handshakes(pairs.mtls.port, seconds, pems)),
    ...signatures(pems, rounds),
    authorize: authorization(rounds)
  }
})

const secured = Layer.orDie(SecurityLayer.layer).pipe(Layer.provideMerge(NodeServices.layer))

export const run = async (options: ReadonlyMap<string, string>) => {
  const folder = await fs.mkdtemp(path.join(os.tmpdir(), "serviceradar-bench-security-"))
  try {
    const pems = certificates()
    await fs.writeFile(path.join(folder, "root.pem"), pems.root)
    for (const name of names) {
      await fs.writeFile(path.join(folder, `${name}.pem`), pems.of(name).cert)
      await fs.writeFile(path.join(folder, `${name}-key.pem`), pems.of(name).key, { mode: 0o600 })
    }
    const found = await Effect.runPromise(
      Effect.scoped(measure(folder, pems, options)).pipe(
        Effect.provide(secured),
        Effect.provideService(References.MinimumLogLevel, "Error")
      )
    )
    const share = (rate: number) => `${(rate / found.plain * 100).toFixed(0)} % of plain`
    const rows: ReadonlyArray<Row> = [
      { what: "handshakes, certificates on both sides", value: found.handshakes, unit: "per s" },
      { what: "unary calls in plain text", value: found.plain, unit: "per s" },
      { what: `unary calls over mTLS (${share(found.mtls)})`, value: found.mtls, unit: "per s", must: "70 % of plain" },
      { what: `unary calls over mTLS, signed (${share(found.signed)})`, value: found.signed, unit: "per s" },
      { what: `sign, Ed25519 of ${Ed25519.best().name}`, value: found.sign, unit: "µs" },
      { what: `verify, Ed25519 of ${Ed25519.best().name}`, value: found.verify, unit: "µs" },
      { what: "both ends together", value: found.sign + found.verify, unit: "µs of CPU", must: "<= 150" },
      { what: "node:crypto alone, both ends", value: found.bareSign + found.bareVerify, unit: "µs" },
      { what: "authorise", value: found.authorize, unit: "µs" }
    ]
    return {
      rows,
      result: {
        handshakes_per_s: found.handshakes,
        calls_per_s_plain: found.plain,
        calls_per_s_mtls: found.mtls,
        calls_per_s_signed: found.signed,
        sign_us: found.sign,
        verify_us: found.verify,
        node_sign_us: found.bareSign,
        node_verify_us: found.bareVerify,
        authorize_us: found.authorize
      }
    }
  } finally {
    await fs.rm(folder, { recursive: true, force: true })
  }
}
