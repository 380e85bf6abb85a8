/** `http` over HTTP/2 and through proxies: real servers of Node, and ones that do not keep the protocol. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as fs from "node:fs"
import * as http from "node:http"
import * as http2 from "node:http2"
import * as net from "node:net"
import { gzipSync } from "node:zlib"
import * as AgentConfig from "../../../../src/domain/agent/AgentConfig.ts"
import { certificate, listening, portOf, probe } from "../probing.ts"

const tls = {
  cert: fs.readFileSync(certificate("address.pem")),
  key: fs.readFileSync(certificate("address-key.pem"))
}
const caFile = certificate("address.pem")

const answer = (request: http2.Http2ServerRequest, response: http2.Http2ServerResponse) => {
  if (request.url === "/to") return void response.writeHead(302, { location: "/" }).end()
  if (request.url === "/gzip") {
    return void response.writeHead(200, { "content-encoding": "gzip" }).end(gzipSync("packed"))
  }
  if (request.url === "/hang") return
  if (request.url === "/reset") return request.stream.close(http2.constants.NGHTTP2_INTERNAL_ERROR)
  response.end(`HTTP/${request.httpVersion} ${request.headers["x-who"] ?? ""}`)
}

const secure = Effect.map(
  listening(() => http2.createSecureServer({ ...tls, allowHTTP1: true }, answer)),
  (server) => `https://127.0.0.1:${portOf(server)}`
)

const ask = (url: string, more: object = {}) => probe("http", JSON.stringify({ url, caFile, ...more }))

describe("HttpProbe over HTTP/2", () => {
  it.live("speaks it where it is asked to, and where the server offers it", () =>
    Effect.gen(function*() {
      const url = yield* secure
      const plain = yield* ask(url)
      const second = yield* ask(`${url}/to`, {
        httpVersion: "2",
        headers: { "X-Who": "me" },
        bodyMatch: "^HTTP/2.0 me$"
      })
      const offered = yield* ask(`${url}/gzip`, { httpVersion: "auto", bodyMatch: "^packed$" })

      assert.deepInclude(plain.document, { http_version: "1.1", status_code: 200 })
      assert.isTrue(second.available, second.message)
      assert.deepInclude(second.document, {
        http_version: "2",
        redirects: 1,
        final_url: `${url}/`,
        tls_version: "TLSv1.3"
      })
      assert.containsAllKeys(second.document["timings"], ["connect", "tls", "first_byte", "answer", "total"])
      assert.isTrue(offered.available, offered.message)
      assert.strictEqual(offered.document["http_version"], "2")
    }).pipe(Effect.scoped))

  it.live("speaks it without TLS where it is told to", () =>
    Effect.gen(function*() {
      const server = yield* listening(() => http2.createServer(answer))
      const result = yield* ask(`http://127.0.0.1:${portOf(server)}/`, { httpVersion: "2", bodyMatch: "HTTP/2.0" })
      assert.isTrue(result.available, result.message)
    }).pipe(Effect.scoped))

  it.live("says what is wrong with servers that do not keep it", () =>
    Effect.gen(function*() {
      const url = yield* secure
      const old = yield* listening(() => http.createServer((_request, response) => response.end("old")))
      const garbage = yield* listening(() => net.createServer((socket) => socket.end("220 no HTTP\r\n".repeat(9))))
      const short = { httpVersion: "2", timeout: "2s" }

      const hanging = yield* ask(`${url}/hang`, { httpVersion: "2", timeout: "300ms" })
      const reset = yield* ask(`${url}/reset`, short)
      const none = yield* ask(`http://127.0.0.1:${portOf(old)}/`, short)
      const wrong = yield* ask(`http://127.0.0.1:${portOf(garbage)}/`, short)

      assert.include(hanging.message, "timed out after 300ms (from the request to the first byte")
      for (const result of [reset, none, wrong]) {
        assert.isFalse(result.available)
        assert.match(result.message, /HTTP check of .* failed: .+/)
        assert.notInclude(result.message, "timed out")
      }
    }).pipe(Effect.scoped))
})

/** Lets through who knows the password; says what it was asked. */
const proxy = Effect.gen(function*() {
  const asked: Array<string> = []
  const isKnown = (request: http.IncomingMessage) =>
    request.headers["proxy-authorization"] === `Basic ${Buffer.from("me:p@ss").toString("base64")}`
  const server = yield* listening(() => {
    const one = http.createServer((request, response) => {
      asked.push(`${request.method} ${request.url}`)
      if (!isKnown(request)) return void response.writeHead(407).end()
      http.get(request.url ?? "", (found) => found.pipe(response.writeHead(found.statusCode ?? 0)))
    })
    one.on("connect", (request: http.IncomingMessage, socket: net.Socket) => {
      asked.push(`${request.method} ${request.url}`)
      socket.on("error", () => {})
      if (!isKnown(request)) return void socket.end("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")
      const [host, port] = (request.url ?? "").split(":")
      const to = net.connect(Number(port), host, () => {
        socket.write("HTTP/1.1 200 Connection established\r\n\r\n")
        socket.pipe(to).pipe(socket)
      })
      to.on("error", () => socket.end("HTTP/1.1 502 Bad Gateway\r\n\r\n"))
    })
    return one
  })
  return { asked, url: (user: string) => `http://${user}127.0.0.1:${portOf(server)}` }
})

describe("HttpProbe through a proxy", () => {
  it.live("asks it for what is in plain text, and for a connection where there is TLS", () =>
    Effect.gen(function*() {
      const { asked, url: proxyUrl } = yield* proxy
      const through = { proxy: proxyUrl("me:p%40ss@") }
      const plain = yield* listening(() => http.createServer((_request, response) => response.end("plain")))
      const url = yield* secure
      const plainUrl = `http://127.0.0.1:${portOf(plain)}/path?q=1`

      const first = yield* ask(plainUrl, { ...through, bodyMatch: "^plain$" })
      const second = yield* ask(url, { ...through, httpVersion: "2", bodyMatch: "HTTP/2.0" })
      const refused = yield* ask(url, { proxy: proxyUrl("") })
      const away = yield* ask("https://127.0.0.1:1/", through)

      assert.isTrue(first.available, first.message)
      assert.isTrue(second.available, second.message)
      assert.deepInclude(second.document, { proxied: true, http_version: "2", address: "127.0.0.1" })
      assert.containsAllKeys(second.document["timings"], ["connect", "proxy", "tls", "first_byte"])
      assert.deepStrictEqual(asked, [
        `GET ${plainUrl}`,
        `CONNECT ${url.slice("https://".length)}`,
        `CONNECT ${url.slice("https://".length)}`,
        "CONNECT 127.0.0.1:1"
      ])
      assert.include(refused.message, "the proxy: answered CONNECT with status 407")
      assert.include(away.message, "the proxy: answered CONNECT with status 502")
      assert.notInclude([first, second, refused, away].map(({ message }) => message).join(), "p%40ss")
    }).pipe(Effect.scoped))

  it.live("does not reach through it what checks may not be pointed at", () =>
    Effect.gen(function*() {
      const { asked, url: proxyUrl } = yield* proxy
      const config = AgentConfig.fromFile({ probe_targets: { deny: ["192.0.2.0/24"] } })
      const denied = yield* probe(
        "http",
        JSON.stringify({ url: "https://192.0.2.7/", proxy: proxyUrl("me:p%40ss@") }),
        { config }
      )
      assert.isFalse(denied.available)
      assert.match(denied.message, /192\.0\.2\.7/)
      assert.deepStrictEqual(asked, [])
    }).pipe(Effect.scoped))

  it.live("passes no name on to it that checks may not be pointed at", () =>
    Effect.gen(function*() {
      const { asked, url: proxyUrl } = yield* proxy
      const through = Effect.fnUntraced(function*(scheme: string, host: string, allow?: ReadonlyArray<string>) {
        const config = AgentConfig.fromFile({ probe_targets: { ...(allow && { allow }), deny: ["*.example.net"] } })
        const details = JSON.stringify({ url: `${scheme}://${host}/`, proxy: proxyUrl("me:p%40ss@") })
        return (yield* probe("http", details, { config })).message
      })
      for (const scheme of ["http", "https"]) {
        assert.include(yield* through(scheme, "metadata.google.internal"), "metadata.google.internal is denied")
        assert.include(yield* through(scheme, "Db.EXAMPLE.net."), "*.example.net is denied")
        assert.include(yield* through(scheme, "example.org", ["127.0.0.0/8"]), "its name is not on the allow list")
      }
      assert.deepStrictEqual(asked, [])
    }).pipe(Effect.scoped))
})
