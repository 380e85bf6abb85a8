/** The cases of http-servers.mjs and certificates.sh, and their siblings: each server misbehaves in one way. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import { Effect, FileSystem } from "effect"
import { execFileSync } from "node:child_process"
import * as fs from "node:fs"
import * as https from "node:https"
import type { Socket } from "node:net"
import * as path from "node:path"
import * as zlib from "node:zlib"
import * as BodyPattern from "../../../../src/layers/probes/http/BodyPattern.ts"
import * as HttpProbe from "../../../../src/layers/probes/http/HttpProbe.ts"
import * as NameLookup from "../../../../src/layers/probes/NameLookup.ts"
import { checkWithin } from "../../../../src/services/monitoring/Prober.ts"
import { temporaryFolder } from "../../../support/temporaryFolder.ts"
import { document, listening, portOf, probe, rawHttp } from "../probing.ts"

const utf8 = (text: string) => Buffer.from(text, "utf8")

const ok = (socket: Socket, body: Buffer, headers: ReadonlyArray<string> = []) =>
  socket.end(Buffer.concat([
    Buffer.from(["HTTP/1.1 200 OK", ...headers, `Content-Length: ${body.length}`, "", ""].join("\r\n"), "latin1"),
    body
  ]))

const redirect = (socket: Socket, status: string, location: string) =>
  socket.end(utf8(`HTTP/1.1 ${status}\r\nLocation: ${location}\r\nContent-Length: 0\r\n\r\n`))

const notFound = (socket: Socket) => socket.end("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")

const matching = (url: string, bodyMatch: string) => probe("http", JSON.stringify({ url, bodyMatch }))

describe("http-servers.mjs: redirects", () => {
  it.live("follows a Location in UTF-8, and one in latin1 (9001)", () =>
    Effect.gen(function*() {
      const url = yield* rawHttp((socket, asked) =>
        asked.startsWith("GET /caf%C3%A9 ")
          ? ok(socket, utf8("OK"))
          : asked.startsWith("GET / ")
          ? redirect(socket, "302 Found", "/café")
          : asked.startsWith("GET /latin1 ")
          ? socket.end(Buffer.from("HTTP/1.1 302 Found\r\nLocation: /café\r\nContent-Length: 0\r\n\r\n", "latin1"))
          : notFound(socket)
      )

      const unicode = yield* probe("http", url)
      const latin = yield* probe("http", `${url}latin1`)

      assert.isTrue(unicode.available, unicode.message)
      assert.strictEqual(unicode.document["final_url"], `${url}caf%C3%A9`)
      assert.isTrue(latin.available, latin.message)
    }).pipe(Effect.scoped))

  it.live.each<readonly [string, string, string]>([
    ["303 See Other", "POST", "GET"],
    ["303 See Other", "PUT", "GET"],
    ["303 See Other", "HEAD", "HEAD"],
    ["302 Found", "POST", "GET"],
    ["301 Moved Permanently", "POST", "GET"],
    ["302 Found", "PUT", "PUT"],
    ["307 Temporary Redirect", "POST", "POST"],
    ["308 Permanent Redirect", "POST", "POST"]
  ])("after %s to a %s it asks with %s (9007)", ([status, method, next]) =>
    Effect.gen(function*() {
      const url = yield* rawHttp((socket, asked) =>
        asked.startsWith(`${method} /submit `)
          ? redirect(socket, status, "done")
          : asked.startsWith(`${next} /done `) && (asked.endsWith("a=1") === (next === "POST" || next === "PUT"))
          ? socket.end("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
          : socket.end("HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\n\r\n")
      )

      const result = yield* probe("http", JSON.stringify({ url: `${url}submit`, method, body: "a=1" }))

      assert.isTrue(result.available, result.message)
    }).pipe(Effect.scoped))
})

describe("http-servers.mjs: answers", () => {
  it.live("takes 101 for the answer, at once (9005), and passes over other 1xx", () =>
    Effect.gen(function*() {
      const upgrade = yield* rawHttp((socket) =>
        socket.write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
      )
      const early = yield* rawHttp((socket) => {
        socket.write("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
        ok(socket, utf8("OK"))
      })

      const headers = { Connection: "Upgrade", Upgrade: "websocket" }
      const switched = yield* probe("http", JSON.stringify({ url: upgrade, expectedStatus: 101, headers }))
      const hinted = yield* matching(early, "^OK$")

      assert.isTrue(switched.available, switched.message)
      assert.isBelow(Number(switched.responseTimeNanos), 5e9)
      assert.isTrue(hinted.available, hinted.message)
    }).pipe(Effect.scoped))

  it.live.each([20_000, 65_000])("takes headers of %d characters (9006)", (length) =>
    Effect.gen(function*() {
      const url = yield* rawHttp((socket) => ok(socket, utf8("OK"), [`Content-Security-Policy: ${"x".repeat(length)}`]))

      assert.isTrue((yield* probe("http", url)).available)
    }).pipe(Effect.scoped))

  const healthy = utf8("status: healthy")
  it.live.each<readonly [string, Buffer]>([
    ["gzip", zlib.gzipSync(healthy)],
    ["x-gzip", zlib.gzipSync(healthy)],
    ["deflate", zlib.deflateSync(healthy)],
    ["deflate", zlib.deflateRawSync(healthy)],
    ["br", zlib.brotliCompressSync(healthy)],
    ["zstd", zlib.zstdCompressSync(healthy)],
    ["gzip, br", zlib.brotliCompressSync(zlib.gzipSync(healthy))],
    ["identity", healthy]
  ])("unpacks a body in %s (9002)", ([encoding, body]) =>
    Effect.gen(function*() {
      const url = yield* rawHttp((socket) => ok(socket, body, [`Content-Encoding: ${encoding}`]))

      const result = yield* matching(url, "^status: healthy$")

      assert.isTrue(result.available, result.message)
    }).pipe(Effect.scoped))

  it.live("reads header lines that end in a line feed alone, as small devices write them", () =>
    Effect.gen(function*() {
      const url = yield* rawHttp((socket) => socket.end("HTTP/1.1 200 OK\nContent-Length: 7\n\nhealthy"))
      const result = yield* matching(url, "^healthy$")

      assert.isTrue(result.available, result.message)
    }).pipe(Effect.scoped))

  it.live("says that a body cannot be unpacked", () =>
    Effect.gen(function*() {
      const broken = yield* rawHttp((socket) => ok(socket, healthy, ["Content-Encoding: gzip"]))
      const unknown = yield* rawHttp((socket) => ok(socket, healthy, ["Content-Encoding: snappy"]))

      assert.include((yield* matching(broken, "healthy")).message, "incorrect header check")
      assert.include((yield* matching(unknown, "healthy")).message, "content-encoding snappy is not known")
    }).pipe(Effect.scoped))

  it.live.each<readonly [string, string, Buffer]>([
    ["header (9003)", "text/html; charset=ISO-8859-1", Buffer.from("café", "latin1")],
    ["header in quotes", "text/html; charset=\"windows-1252\"", Buffer.from("café", "latin1")],
    ["BOM (9004)", "text/plain; charset=utf-8", utf8("\ufeffcafé")],
    ["BOM of UTF-16", "text/plain", Buffer.from("\ufeffcafé", "utf16le")],
    ["BOM against the header", "text/plain; charset=iso-8859-1", utf8("\ufeffcafé")],
    ["meta", "text/html", Buffer.from("<meta charset=iso-8859-1>café", "latin1")],
    [
      "meta http-equiv",
      "text/html",
      Buffer.from("<meta http-equiv=Content-Type content=\"text/html; charset=iso-8859-1\">café", "latin1")
    ],
    ["XML declaration", "text/xml", Buffer.from("<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><a>café", "latin1")],
    ["nothing", "text/plain", utf8("café")],
    ["a charset that nobody knows", "text/plain; charset=klingon", utf8("café")]
  ])("reads the charset from: %s", ([, contentType, body]) =>
    Effect.gen(function*() {
      const url = yield* rawHttp((socket) => ok(socket, body, [`Content-Type: ${contentType}`]))

      const result = yield* matching(url, "café$")

      assert.isTrue(result.available, result.message)
    }).pipe(Effect.scoped))

  it.live("sees no BOM in front of the text (9004)", () =>
    Effect.gen(function*() {
      const url = yield* rawHttp((socket) => ok(socket, utf8("\ufeffOK"), ["Content-Type: text/plain; charset=utf-8"]))

      assert.isTrue((yield* matching(url, "^OK$")).available)
    }).pipe(Effect.scoped))

  it.live("finds what it looks for in a body that never ends, however far in it is", () =>
    Effect.gen(function*() {
      const slow = yield* rawHttp((socket) => socket.write("HTTP/1.1 200 OK\r\n\r\ndata: healthy\n\n"))
      const packed = yield* rawHttp((socket) => {
        socket.write("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n")
        const gzip = zlib.createGzip()
        gzip.on("data", (part: Buffer) => socket.write(part))
        gzip.write("data: healthy\n\n", () => gzip.flush())
      })
      const far = yield* rawHttp((socket) => {
        socket.write("HTTP/1.1 200 OK\r\n\r\n")
        for (let part = 0; part < 40; part++) socket.write("x".repeat(65_536))
        socket.write("healthy")
      })

      for (const url of [slow, packed, far]) {
        const result = yield* matching(url, "healthy")
        assert.isTrue(result.available, result.message)
        assert.isBelow(Number(result.responseTimeNanos), 5e9)
      }
    }).pipe(Effect.scoped))
})

/** As certificates.sh makes them: a leaf of 300 days, and one below an intermediate of 3 days. */
const makeCertificates = (folder: string) => {
  const openssl = (...args: ReadonlyArray<string>) => execFileSync("openssl", args, { cwd: folder, stdio: "ignore" })
  const one = (name: string, subject: string, days: number, issuer: string, extension: string) => {
    openssl(
      "req",
      "-newkey",
      "rsa:2048",
      "-nodes",
      "-keyout",
      `${name}.key`,
      "-out",
      `${name}.csr`,
      "-subj",
      `/CN=${subject}`
    )
    fs.writeFileSync(path.join(folder, `${name}.ext`), extension)
    const signing = ["-CA", `${issuer}.pem`, "-CAkey", `${issuer}.key`, "-CAcreateserial", "-days", `${days}`]
    openssl("x509", "-req", "-in", `${name}.csr`, ...signing, "-out", `${name}.pem`, "-extfile", `${name}.ext`)
  }
  const root = ["-days", "3650", "-subj", "/CN=Trial Root", "-addext", "basicConstraints=critical,CA:TRUE"]
  openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "root.key", "-out", "root.pem", ...root)
  one("leaf", "srv.test", 300, "root", "subjectAltName=DNS:srv.test,IP:127.0.0.1\n")
  one("int", "Trial Intermediate", 3, "root", "basicConstraints=critical,CA:TRUE\n")
  one("leafi", "srv.test", 300, "int", "subjectAltName=DNS:srv.test,IP:127.0.0.1\n")
  const read = (name: string) => fs.readFileSync(path.join(folder, name))
  return { read, chain: Buffer.concat([read("leafi.pem"), read("int.pem")]), root: path.join(folder, "root.pem") }
}

/** A check for which every name is this machine, as a line in /etc/hosts makes it. */
const checkHere = (details: Readonly<Record<string, unknown>>) =>
  Effect.gen(function*() {
    const names = yield* NameLookup.make(() => Effect.succeed([{ address: "127.0.0.1", family: 4 }]))
    const patterns = yield* BodyPattern.make
    const checker = yield* HttpProbe.prepare({ names, patterns, fs: yield* FileSystem.FileSystem })({
      serviceType: "http",
      serviceName: "it",
      details: JSON.stringify(details),
      port: 0,
      agentId: "a",
      pollerId: "p"
    })
    const result = yield* checkWithin(checker, checker.timeout)
    return { ...result, document: document(result.message) }
  }).pipe(Effect.scoped, Effect.provide(NodeServices.layer))

describe("certificates.sh", () => {
  it.live(
    "asks for a name without its final dot (9101), and counts the whole chain (9103)",
    () =>
      Effect.gen(function*() {
        const made = makeCertificates(yield* temporaryFolder)
        const asked: Array<string> = []
        const secure = (key: Buffer, cert: Buffer) =>
          listening(() =>
            https.createServer({
              key,
              cert,
              SNICallback: (name, done) => {
                asked.push(name)
                done(null)
              }
            }, (_, response) => response.end("OK"))
          ).pipe(Effect.map(portOf))
        const plain = yield* secure(made.read("leaf.key"), made.read("leaf.pem"))
        const chained = yield* secure(made.read("leafi.key"), made.chain)

        const dotted = yield* checkHere({ url: `https://srv.test.:${plain}/`, caFile: made.root })
        const expiring = yield* checkHere({ url: `https://srv.test:${chained}/`, certDaysMin: 14, caFile: made.root })
        const other = yield* checkHere({ url: `https://other.test:${plain}/`, caFile: made.root })
        const plainText = yield* checkHere({ url: `http://srv.test:${plain}/` })

        assert.isTrue(dotted.available, dotted.message)
        assert.strictEqual(asked[0], "srv.test")
        assert.isFalse(expiring.available)
        assert.strictEqual(
          expiring.document["error"],
          "certificate Trial Intermediate expires in 2 days, at least 14 are expected"
        )
        assert.strictEqual(expiring.document["tls_expiry_days"], 2)
        assert.include(other.message, "certificate is for another name: it has DNS:srv.test")
        assert.isFalse(plainText.available)
      }).pipe(Effect.scoped),
    30_000
  )

  it.live("says in words that a server speaks no TLS, or none that it knows", () =>
    Effect.gen(function*() {
      const plain = yield* rawHttp((socket) => ok(socket, utf8("OK")))
      const made = makeCertificates(yield* temporaryFolder)
      const old = portOf(
        yield* listening(() =>
          https.createServer({
            key: made.read("leaf.key"),
            cert: made.read("leaf.pem"),
            minVersion: "TLSv1.1",
            maxVersion: "TLSv1.1",
            ciphers: "DEFAULT@SECLEVEL=0"
          })
        )
      )
      const wanting = portOf(
        yield* listening(() =>
          https.createServer({
            key: made.read("leaf.key"),
            cert: made.read("leaf.pem"),
            ca: made.read("root.pem"),
            requestCert: true
          }, (_, response) => response.end("OK"))
        )
      )

      const none = yield* probe("http", plain.replace("http:", "https:"))
      const tooOld = yield* checkHere({ url: `https://127.0.0.1:${old}/`, caFile: made.root })
      const refused = yield* checkHere({ url: `https://127.0.0.1:${wanting}/`, caFile: made.root })
      const unknown = yield* checkHere({ url: `https://127.0.0.1:${wanting}/` })

      assert.include(none.message, "the server does not speak TLS on this port")
      assert.include(tooOld.message, "client and server share no version of TLS")
      assert.include(refused.message, "the server wants a client certificate")
      assert.include(unknown.message, "self-signed certificate in the chain")
    }).pipe(Effect.scoped), 30_000)
})
