/**
 * Signed calls on the wire: what a poller has signed, in the hands of somebody else, before an agent that asks for
 * signatures. Poller and agent are processes of their own; the attacker speaks HTTP/2 by hand.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import * as crypto from "node:crypto"
import * as fs from "node:fs/promises"
import * as http2 from "node:http2"
import * as path from "node:path"
import * as SignatureHeaders from "../../src/domain/security/SignatureHeaders.ts"
import * as SignedCall from "../../src/domain/security/SignedCall.ts"
import * as SignedMessage from "../../src/domain/security/SignedMessage.ts"
import { HealthCheckResponse_ServingStatus, HealthService } from "../../src/gen/grpc/health/v1/health.ts"
import { AgentServiceService } from "../../src/gen/monitoring/monitoring.ts"
import * as H2 from "../fixtures/abuse/frames.ts"
import { authority, type Issued, write } from "../support/authority.ts"
import * as Program from "../support/Program.ts"
import { temporaryFolder } from "../support/temporaryFolder.ts"

const { path: method } = AgentServiceService.getStatus

type Fields = Readonly<Record<string, string | ReadonlyArray<string>>>

const serving = HealthService.check.responseSerialize({ status: HealthCheckResponse_ServingStatus.SERVING })

/** A call as it came over the wire. */
interface Taken {
  readonly fields: Fields
  /** With the head of gRPC's framing. */
  readonly body: Buffer
}

/** A server that the poller takes for an agent, and what it was sent. */
const eavesdropper = Effect.fnUntraced(function*({ cert, key }: Issued, ca: string) {
  const taken: Array<Taken> = []
  const server = yield* Effect.acquireRelease(
    Effect.callback<http2.Http2SecureServer>((resume) => {
      const options = { cert, key, ca, requestCert: true, rejectUnauthorized: true }
      const made = http2.createSecureServer(options, undefined)
      made.on("stream", (stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders) => {
        const chunks: Array<Buffer> = []
        stream.on("error", () => {}).on("data", (chunk: Buffer) => chunks.push(chunk)).on("end", () => {
          const fields = Object.entries(headers).flatMap(([name, value]) =>
            name.startsWith("serviceradar-") && typeof value === "string" ? [[name, value] as const] : []
          )
          if (headers[":path"] === method) {
            taken.push({ fields: Object.fromEntries(fields), body: Buffer.concat(chunks) })
          }
          stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true })
          stream.once("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }))
          stream.end(H2.message(headers[":path"] === HealthService.check.path ? serving : new Uint8Array()))
        })
      })
      made.listen(0, "127.0.0.1", () => resume(Effect.succeed(made)))
    }),
    (server) => Effect.sync(() => server.close())
  )
  const address = server.address()
  return { taken, port: typeof address === "object" && address !== null ? address.port : 0 }
})

/** What the agent said: `OK`, the check that was not passed, or else the status. */
const ask = (
  place: { readonly port: number; readonly ca: string; readonly as: Issued },
  { body, fields }: Taken,
  path = method
) =>
  Effect.callback<string>((resume) => {
    const { as, ca, port } = place
    const session = http2.connect(`https://localhost:${port}`, { host: "127.0.0.1", ca, ...as })
    session.on("error", (error: Error) => resume(Effect.succeed(error.message)))
    const stream = session.request({
      ":method": "POST",
      ":path": path,
      "content-type": "application/grpc",
      te: "trailers",
      ...Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, value.slice()]))
    })
    const found = { status: "none", check: "" }
    const note = (headers: http2.IncomingHttpHeaders) => {
      found.status = String(headers["grpc-status"] ?? found.status)
      found.check = String(headers["serviceradar-signature-error"] ?? found.check)
    }
    stream.on("response", note).on("trailers", note).on("error", () => {}).resume()
    stream.once("close", () => {
      session.destroy()
      const { check, status } = found
      resume(Effect.succeed(check !== "" ? `${status} ${check}` : status === "0" ? "OK" : status))
    })
    stream.end(body)
  })

/** As the call's sender does it, but for what `change` says. */
const sign = (
  { cert, key }: Issued,
  { body }: Taken,
  change: { readonly nonce?: string; readonly agedSeconds?: number }
): Taken => {
  const certificates = SignatureHeaders.encodeCertificates([new crypto.X509Certificate(cert).raw])
  const certificateDigest = crypto.createHash("sha256").update(certificates).digest()
  const envelope = {
    sender: "core.serviceradar",
    timestampSeconds: Math.floor(Date.now() / 1_000) - (change.agedSeconds ?? 0),
    nonce: change.nonce === undefined ? crypto.randomBytes(SignedMessage.nonceBytes) : Buffer.from(change.nonce, "hex"),
    certificates
  }
  const payload = Uint8Array.from(SignedCall.payload({ method, certificateDigest, request: body.subarray(5) }))
  const signature = crypto.sign("sha256", SignedMessage.canonical({ ...envelope, payload }), {
    key,
    dsaEncoding: "ieee-p1363"
  })
  return { body, fields: SignatureHeaders.encode({ ...envelope, signature }) }
}

const flipped = (text: string, at: number): string => {
  const code = text.charCodeAt(at)
  return text.slice(0, at) + String.fromCharCode(code ^ 1) + text.slice(at + 1)
}

const { certificate, nonce, sender, signature, timestamp } = SignatureHeaders.headers
const names = [sender, timestamp, nonce, signature, certificate]

const textOf = ({ fields }: Taken, name: string): string => String(fields[name])

const changed = (call: Taken, fields: Fields): Taken => ({ ...call, fields: { ...call.fields, ...fields } })

const without = (call: Taken, ...left: ReadonlyArray<string>): Taken => ({
  ...call,
  fields: Object.fromEntries(Object.entries(call.fields).filter(([name]) => !left.includes(name)))
})

const start = Effect.gen(function*() {
  const folder = yield* temporaryFolder
  const ca = authority()
  const issued = (name: string) => ca.issue({ commonName: `${name}.serviceradar` })
  const identities = { poller: issued("poller"), agent: issued("agent"), core: issued("core") }
  for (const [name, one] of Object.entries(identities)) {
    yield* Effect.promise(() => write(folder, name, one, ca.root))
  }
  const security = (name: string, signing: unknown) => ({
    mode: "mtls",
    cert_dir: folder,
    role: name,
    tls: { cert_file: `${name}.pem`, key_file: `${name}-key.pem`, ca_file: "root.pem" },
    signing
  })
  const program = Effect.fnUntraced(function*(command: string, config: unknown) {
    const file = path.join(folder, `${command}.json`)
    yield* Effect.promise(() => fs.writeFile(file, JSON.stringify(config)))
    return yield* Program.start([command, "--config", file, "--http", "off"])
  })
  const [port, nobody] = [yield* Program.freePort, yield* Program.freePort]
  const { port: falseAgent, taken } = yield* eavesdropper(identities.agent, ca.root)
  const agent = yield* program("agent", {
    agent_id: "a",
    listen_addr: `127.0.0.1:${port}`,
    security: security("agent", { verify: "require" })
  })
  const poller = yield* program("poller", {
    poller_id: "p",
    listen_addr: `127.0.0.1:${yield* Program.freePort}`,
    core_address: `127.0.0.1:${nobody}`,
    poll_interval: "1s",
    agents: {
      a: {
        address: `127.0.0.1:${falseAgent}`,
        security: security("poller", { send: true }),
        checks: [{ service_type: "port", service_name: "itself", details: `127.0.0.1:${port}` }]
      }
    },
    security: security("poller", { send: true })
  })
  yield* Program.eventually("the agent serves", Effect.sync(() => served(agent.output())), {
    within: "30 seconds",
    programs: [agent]
  })
  /** The next call that nobody else has seen. */
  const next = Effect.suspend(() => {
    const known = taken.length
    return Program.eventually("the poller calls", Effect.sync(() => Option.fromUndefinedOr(taken[known])), {
      within: "30 seconds",
      programs: [poller]
    })
  })
  const as = (name: keyof typeof identities) => ({ port, ca: ca.root, as: identities[name] })
  return { agent, as, identities, next }
})

const served = (output: string) => Option.liftPredicate(output, (text) => text.includes("serves gRPC on"))

describe("A signed call on the wire", () => {
  it.live("counts once, over the connection of who signed it, as it was signed", () =>
    Effect.gen(function*() {
      const { agent, as, identities, next } = yield* start
      const first = yield* next
      assert.deepStrictEqual(Object.keys(first.fields).toSorted(), names.toSorted())
      assert.strictEqual(yield* ask(as("poller"), first), "OK")
      assert.strictEqual(yield* ask(as("poller"), first), "16 Replayed")
      assert.strictEqual(yield* ask(as("core"), first), "16 Replayed")

      const second = yield* next
      const refused = Effect.fnUntraced(function*(call: Taken, expected: RegExp, what: string, path = method) {
        assert.match(yield* ask(as("poller"), call, path), expected, what)
      })
      assert.strictEqual(yield* ask(as("core"), second), "16 InvalidSignature")
      yield* refused(without(second, ...names), /^16 NotSigned$/, "unsigned")
      for (const name of names) {
        const text = textOf(second, name)
        yield* refused(without(second, name), /^16 MalformedMessage$/, `without ${name}`)
        yield* refused(changed(second, { [name]: [text, text] }), /^16 MalformedMessage$/, `${name} twice`)
        for (const at of [0, text.length >> 1, text.length - 1]) {
          yield* refused(
            changed(second, { [name]: flipped(text, at) }),
            /^16 (InvalidSignature|MalformedMessage|FromTheFuture|TooOld)$/,
            `${name} changed at ${at}`
          )
        }
        const other = textOf(first, name)
        if (other === text) continue
        yield* refused(
          changed(second, { [name]: other }),
          /^16 (InvalidSignature|Replayed)$/,
          `${name} of another call`
        )
      }
      for (let at = 5; at < second.body.length; at++) {
        const body = Buffer.from(second.body)
        body.writeUInt8(body.readUInt8(at) ^ 1, at)
        yield* refused({ ...second, body }, /^16 InvalidSignature$/, `the request changed at ${at}`)
      }
      yield* refused(second, /^16 InvalidSignature$/, "another method", AgentServiceService.getResults.path)

      // Who may call as well does not spend what others have signed, and is held to the same time.
      const own = (change: Parameters<typeof sign>[2]) => ask(as("core"), sign(identities.core, second, change))
      assert.strictEqual(yield* own({ nonce: textOf(second, nonce) }), "OK")
      assert.strictEqual(yield* own({ nonce: textOf(second, nonce) }), "16 Replayed")
      assert.strictEqual(yield* own({ agedSeconds: 302 }), "16 TooOld")
      assert.strictEqual(yield* own({ agedSeconds: -30 }), "16 FromTheFuture")
      assert.strictEqual(yield* ask(as("poller"), sign(identities.core, second, {})), "16 InvalidSignature")

      // None of the forgeries has spent it.
      assert.strictEqual(yield* ask(as("poller"), second), "OK")

      const third = yield* next
      const more = { ...third, body: Buffer.concat([third.body, second.body]) }
      yield* refused(more, /^(?!OK)/, "a second request behind the one that was signed")
      assert.strictEqual(yield* ask(as("poller"), yield* next), "OK")
      assert.isTrue(agent.isRunning())
      assert.match(agent.output(), /signature_invalid.*Replayed/)
    }).pipe(Effect.scoped), 120_000)
})
