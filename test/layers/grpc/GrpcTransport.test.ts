/** What lies below the calls: TLS of several kinds, unix sockets, and the life of connections. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Option, Queue, Stream } from "effect"
import { execFile } from "node:child_process"
import * as fs from "node:fs/promises"
import * as http2 from "node:http2"
import * as net from "node:net"
import * as path from "node:path"
import { AgentServiceService } from "../../../src/gen/monitoring/monitoring.ts"
import * as GrpcChannel from "../../../src/layers/grpc/GrpcChannel.ts"
import * as GrpcClient from "../../../src/layers/grpc/GrpcClient.ts"
import * as GrpcCredentials from "../../../src/layers/grpc/GrpcCredentials.ts"
import * as GrpcHealth from "../../../src/layers/grpc/GrpcHealth.ts"
import * as GrpcServer from "../../../src/layers/grpc/GrpcServer.ts"
import { temporaryFolder } from "../../support/temporaryFolder.ts"
import { agentService, serveOn, soon, statusRequest, statusResponse } from "./fixture.ts"
import { type Transport, transports } from "./transports.ts"

const openssl = (folder: string, ...args: ReadonlyArray<string>) =>
  Effect.callback<void>((resume) => {
    execFile("openssl", args, { cwd: folder }, (error) => resume(error === null ? Effect.void : Effect.die(error)))
  })

const issue = Effect.fnUntraced(function*(folder: string, name: string, issuer: string, extensions: string) {
  yield* openssl(
    folder,
    ..."req -newkey rsa:2048 -nodes -keyout".split(" "),
    `${name}.key`,
    "-out",
    `${name}.csr`,
    "-subj",
    `/CN=${name}`
  )
  const by = issuer === name
    ? ["-signkey", `${name}.key`]
    : ["-CA", `${issuer}.pem`, "-CAkey", `${issuer}.key`, "-CAcreateserial"]
  yield* openssl(
    folder,
    "x509",
    "-req",
    "-in",
    `${name}.csr`,
    ...by,
    "-days",
    "2",
    "-extfile",
    extensions,
    "-out",
    `${name}.pem`
  )
})

/** A root, an intermediate of it, and certificates of the intermediate. */
const authority = Effect.gen(function*() {
  const folder = yield* temporaryFolder
  const read = (name: string) => Effect.promise(() => fs.readFile(path.join(folder, name), "utf8"))
  yield* Effect.promise(() =>
    Promise.all([
      fs.writeFile(path.join(folder, "ca.ext"), "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\n"),
      fs.writeFile(
        path.join(folder, "leaf.ext"),
        "subjectAltName=DNS:localhost\nextendedKeyUsage=serverAuth,clientAuth\n"
      )
    ])
  )
  yield* issue(folder, "root", "root", "ca.ext")
  yield* issue(folder, "intermediate", "root", "ca.ext")
  yield* issue(folder, "first", "intermediate", "leaf.ext")
  yield* issue(folder, "second", "intermediate", "leaf.ext")
  const pems = (name: string) =>
    Effect.all({ cert: read(`${name}.pem`), key: read(`${name}.key`), ca: read("intermediate.pem") })
  return { folder, pems }
})

const whoCalls = agentService({
  getStatus: (_, call) =>
    Effect.succeed(statusResponse(Option.match(call.peerCertificate, {
      onNone: () => "nobody",
      onSome: (certificate) => String(certificate.subject.CN)
    })))
})

const ask = (transport: Transport, target: string, credentials: GrpcCredentials.ClientCredentials) =>
  Effect.scoped(Effect.gen(function*() {
    const client = yield* GrpcClient.make(AgentServiceService, { transport, target, credentials })
    return (yield* client.getStatus(statusRequest("s"), { deadline: "5 seconds" })).serviceName
  }))

describe.each(transports)("TLS over %s", (transport) => {
  it.live("takes an intermediate alone as the root of both sides (14-grpc-ca-file-with-intermediate-only.ts)", () =>
    Effect.gen(function*() {
      const { pems } = yield* authority
      const first = yield* pems("first")
      const server = yield* serveOn(0, { credentials: yield* GrpcCredentials.mutualServer(first) }, whoCalls)

      const name = yield* ask(
        transport,
        `localhost:${server.port}`,
        yield* GrpcCredentials.mutualClient({ ...(yield* pems("second")), serverName: "localhost" })
      )

      assert.strictEqual(name, "second")
    }))

  it.live("needs no certificate of the client when the server asks for none", () =>
    Effect.gen(function*() {
      const { pems } = yield* authority
      const { ca, cert, key } = yield* pems("first")
      const server = yield* serveOn(0, { credentials: yield* GrpcCredentials.tlsServer({ cert, key }) }, whoCalls)
      const target = `localhost:${server.port}`

      const byRoot = yield* ask(transport, target, yield* GrpcCredentials.tlsClient({ ca }))
      const bySystem = yield* Effect.exit(ask(transport, target, yield* GrpcCredentials.tlsClient({})))

      assert.strictEqual(byRoot, "nobody")
      assert.isTrue(Exit.isFailure(bySystem))
    }))
})

describe("TLS", () => {
  it.live("uses renewed certificates for new connections", () =>
    Effect.gen(function*() {
      const { pems } = yield* authority
      const first = yield* pems("first")
      const second = yield* pems("second")
      const renewals = yield* Queue.bounded<string>(1)
      const server = yield* serveOn(0, {
        credentials: {
          ...(yield* GrpcCredentials.tlsServer(first)),
          renewals: Stream.map(Stream.fromQueue(renewals), () => GrpcCredentials.contextOptions(second))
        }
      }, whoCalls)
      const served = Effect.callback<string>((resume) => {
        const session = http2.connect(`https://localhost:${server.port}`, { ca: first.ca, rejectUnauthorized: false })
        session.on("error", () => {})
        session.on("connect", (_session, socket) => {
          const subject = "getPeerCertificate" in socket && typeof socket.getPeerCertificate === "function"
            ? String(socket.getPeerCertificate().subject.CN)
            : ""
          session.destroy()
          resume(Effect.succeed(subject))
        })
      })

      assert.strictEqual(yield* served, "first")
      yield* Queue.offer(renewals, "now")
      yield* soon(Effect.repeat(served, { until: (name) => name === "second" }))
    }))

  it("says what is wrong with a certificate", async () => {
    const error = await Effect.runPromise(Effect.flip(GrpcCredentials.tlsServer({ cert: "no", key: "no" })))

    assert.strictEqual(error._tag, "InvalidCertificate")
    assert.strictEqual(error.reason, "cert holds no PEM block")
  })

  it.live("takes no empty, cut or unreadable PEM for roots, certificate or key", () =>
    Effect.gen(function*() {
      const good = yield* (yield* authority).pems("first")
      const { ca, key } = good
      const broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
      const reasonOf = (pems: Partial<GrpcCredentials.Pems>) =>
        Effect.map(Effect.flip(GrpcCredentials.mutualServer({ ...good, ...pems })), ({ reason }) => reason)

      yield* GrpcCredentials.mutualServer(good)
      assert.strictEqual(yield* reasonOf({ ca: "" }), "ca holds no PEM block")
      assert.strictEqual(yield* reasonOf({ ca: key }), "ca holds no certificate")
      assert.match(yield* reasonOf({ ca: ca + broken }), /^ca cannot be read: /)
      assert.match(yield* reasonOf({ ca: ca + ca.slice(0, 100) }), /^ca ends within a PEM block/)
      assert.strictEqual(yield* reasonOf({ cert: "" }), "cert holds no PEM block")
      assert.strictEqual(yield* reasonOf({ key: "\n" }), "key holds no PEM block")
      yield* Effect.flip(GrpcCredentials.mutualClient({ ...good, ca: "" }))
      yield* Effect.flip(GrpcCredentials.tlsClient({ ca: "" }))
      yield* Effect.flip(GrpcCredentials.tlsServer({ cert: "", key: "" }))
    }))
})

describe.each(transports)("A unix socket over %s", (transport) => {
  it.live("is served and called, also where a server that is gone has left its file", () =>
    Effect.gen(function*() {
      const file = path.join(yield* temporaryFolder, "agent.sock")
      // What a killed server leaves: a file that nobody listens on.
      yield* Effect.callback<void>((resume) => {
        const server = net.createServer().listen(`${file}.new`, () => {
          fs.rename(`${file}.new`, file).then(() => server.close(() => resume(Effect.void)), () => {})
        })
      })
      const server = yield* GrpcServer.make({ path: file, services: [], grace: "100 millis" })
      const client = GrpcHealth.client(yield* GrpcChannel.make({ transport, target: server.address }))

      assert.strictEqual(server.address, `unix:${file}`)
      assert.strictEqual(yield* client.check("", { deadline: "5 seconds" }), "SERVING")
      const taken = yield* Effect.flip(GrpcServer.make({ path: file, services: [] }))
      assert.strictEqual(taken.reason, "EADDRINUSE: address already in use")
    }))
})

describe("A place to listen", () => {
  const refusal = (endpoint: { readonly path: string } | { readonly host: string; readonly port: number }) =>
    Effect.map(Effect.flip(GrpcServer.make({ ...endpoint, services: [] })), ({ message }) => message)

  it.live("is refused where a file is that is no socket, which stays as it is", () =>
    Effect.gen(function*() {
      const file = path.join(yield* temporaryFolder, "notes.txt")
      yield* Effect.promise(() => fs.writeFile(file, "precious"))

      assert.strictEqual(
        yield* refusal({ path: file }),
        `Cannot listen on unix:${file}: EADDRINUSE: address already in use`
      )
      assert.strictEqual(yield* Effect.promise(() => fs.readFile(file, "utf8")), "precious")
    }))

  it.live("is refused when it is no port or no path", () =>
    Effect.gen(function*() {
      const host = "127.0.0.1"

      for (const port of [-1, 70_000, Number.NaN, 1.5]) {
        assert.include(yield* refusal({ host, port }), `${host}:${port}: a port is a whole number from 0 to 65535`)
      }
      assert.include(yield* refusal({ path: "" }), "the path is empty")
    }))
})

describe("A connection", () => {
  const goneAfter = (
    options: Partial<Pick<GrpcServer.ServerOptions<[]>, "connectionAge" | "connectionIdle" | "keepalive">>
  ) =>
    Effect.gen(function*() {
      const server = yield* GrpcServer.make({
        host: "127.0.0.1",
        port: 0,
        services: [],
        keepaliveTimeout: "100 millis",
        ...options
      })
      return yield* soon(Effect.callback<string>((resume) => {
        const session = http2.connect(`http://${server.address}`)
        session.on("error", () => {})
        session.on("goaway", () => resume(Effect.succeed("goaway")))
        session.on("close", () => resume(Effect.succeed("close")))
        return Effect.sync(() => session.destroy())
      }))
    })

  it.live("is told to go at its age, and when it is idle", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* goneAfter({ connectionAge: "100 millis" }), "goaway")
      assert.strictEqual(yield* goneAfter({ connectionIdle: "100 millis" }), "goaway")
    }))

  it.live("is cut when pings are not answered", () =>
    Effect.gen(function*() {
      const server = yield* GrpcServer.make({
        host: "127.0.0.1",
        port: 0,
        services: [],
        keepalive: "50 millis",
        keepaliveTimeout: "50 millis"
      })

      // The preface and empty SETTINGS, and then not a word.
      yield* soon(Effect.callback<void>((resume) => {
        const socket = net.connect(server.port, "127.0.0.1", () =>
          socket.write(Buffer.concat([
            Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
            Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0])
          ])))
        socket.on("error", () => {})
        socket.on("close", () => resume(Effect.void))
        socket.resume()
        return Effect.sync(() => socket.destroy())
      }))
    }))
})
