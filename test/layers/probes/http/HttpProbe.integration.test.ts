import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect } from "effect"
import * as fs from "node:fs"
import * as http from "node:http"
import * as https from "node:https"
import { certificate, listening, portOf, probe, rawHttp } from "../probing.ts"

const web = listening(() =>
  http.createServer((request, response) => {
    if (request.url === "/loop") return void response.writeHead(302, { location: "/loop" }).end()
    if (request.url === "/to") return void response.writeHead(302, { location: "/" }).end()
    if (request.url === "/broken") {
      response.writeHead(200, { "content-length": "1000" }).write("<html>")
      return void setImmediate(() => request.socket.destroy())
    }
    if (request.url === "/closed") return void response.writeHead(302, { location: "http://127.0.0.1:1/x" }).end()
    if (request.url === "/file") return void response.writeHead(302, { location: "file:///etc/passwd" }).end()
    if (request.url === "/bad") return void response.writeHead(503).end("down")
    if (request.url === "/json") return void response.end("{\"checks\":[{\"state\":\"up\"}],\"load\":[1,2]}")
    if (request.url === "/who") return void response.end(`you are ${request.headers["x-who"]}`)
    response.end(`all is well ${"a".repeat(40)}!`)
  })
).pipe(Effect.map((server) => `http://127.0.0.1:${portOf(server)}`))

const limit = Duration.millis(300)

describe("HttpProbe", () => {
  it.live("judges status and body", () =>
    Effect.gen(function*() {
      const url = yield* web

      const plain = yield* probe("http", url)
      const matched = yield* probe("http", JSON.stringify({ url, bodyMatch: "all is \\w+" }))
      const unmatched = yield* probe("http", JSON.stringify({ url, bodyMatch: "trouble" }))
      const down = yield* probe("http", `${url}/bad`)
      const expected = yield* probe("http", JSON.stringify({ url: `${url}/bad`, expectedStatus: [500, 503] }))

      assert.deepInclude(plain.document, { status_code: 200, redirects: 0 })
      assert.deepStrictEqual(
        [plain, matched, unmatched, down, expected].map((result) => result.available),
        [true, true, false, false, true]
      )
      assert.deepInclude(down.document, { error: "unexpected status 503" })
    }).pipe(Effect.scoped))

  it.live("follows redirects up to its limit, and only to HTTP", () =>
    Effect.gen(function*() {
      const url = yield* web

      const followed = yield* probe("http", `${url}/to`)
      const loop = yield* probe("http", `${url}/loop`)
      const file = yield* probe("http", `${url}/file`)
      const closed = yield* probe("http", `${url}/closed`)

      assert.deepInclude(followed.document, { final_url: `${url}/`, redirects: 1 })
      assert.include(loop.message, "more than 5 redirects")
      assert.include(file.message, "redirects to file:///etc/passwd")
      assert.include(closed.message, "redirected to http://127.0.0.1:1/x: connection refused")
    }).pipe(Effect.scoped))

  it.live("is over with the headers where nothing is expected of the body, and else waits for its end", () =>
    Effect.gen(function*() {
      const url = `${yield* web}/broken`

      const headers = yield* probe("http", url)
      const whole = yield* probe("http", JSON.stringify({ url, bodyMatch: "</html>" }))

      assert.isTrue(headers.available)
      assert.isFalse(whole.available)
      assert.include(whole.message, "reading the body failed")
    }).pipe(Effect.scoped))

  it.live("sends configured headers", () =>
    Effect.gen(function*() {
      const url = `${yield* web}/who`

      const sent = yield* probe("http", JSON.stringify({ url, headers: { "x-who": "me" }, bodyMatch: "^you are me$" }))

      assert.isTrue(sent.available)
    }).pipe(Effect.scoped))

  it.live("reports no password", () =>
    Effect.gen(function*() {
      const url = new URL(yield* web)
      url.username = "me"
      url.password = "secret"

      const answered = yield* probe("http", url.href)
      const refused = yield* probe("http", "http://me:secret@127.0.0.1:1/")

      assert.notInclude(answered.message + refused.message, "secret")
    }).pipe(Effect.scoped))

  it.live("ends at its limit when headers or body do not", () =>
    Effect.gen(function*() {
      const silent = yield* rawHttp(() => {})
      const headers = yield* rawHttp((socket) => socket.write("HTTP/1.1 200 OK\r\nx: y\r\n"))
      const body = yield* rawHttp((socket) => socket.write("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nbegin"))

      const outcomes = yield* Effect.forEach(
        [silent, headers, JSON.stringify({ url: body, bodyMatch: "end" })],
        (details) => probe("http", details, { limit }),
        { concurrency: "unbounded" }
      )
      const begun = yield* probe("http", body, { limit })

      for (const result of outcomes) assert.include(result.message, "timed out after 300ms")
      assert.isTrue(begun.available)
    }).pipe(Effect.scoped))

  it.live("reads no more than it needs of a body or of headers without end", () =>
    Effect.gen(function*() {
      const part = Buffer.alloc(65_536, "a")
      let written = 0
      const body = yield* rawHttp((socket) => {
        const write = () => {
          while (!socket.destroyed && written < 1e9 && socket.write(part)) written += part.length
        }
        socket.on("drain", write)
        socket.write("HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\n", write)
      })
      const headers = yield* rawHttp((socket) => {
        const write = () => {
          while (!socket.destroyed && socket.write(`x-${"y".repeat(1000)}: z\r\n`)) { /* until the socket is full */ }
        }
        socket.on("drain", write)
        socket.write("HTTP/1.1 200 OK\r\n", write)
      })

      const flood = yield* probe("http", JSON.stringify({ url: body, bodyMatch: "^a+$" }))
      const overflow = yield* probe("http", headers)

      assert.isTrue(flood.available)
      assert.isBelow(written, 50_000_000)
      assert.include(overflow.message, "Header overflow")
    }).pipe(Effect.scoped))

  it.live("says what is wrong with an answer that is no HTTP, or breaks off", () =>
    Effect.gen(function*() {
      const garbage = yield* rawHttp((socket) => socket.end("\0\u0001garbage\r\n\r\n"))
      const broken = yield* rawHttp((socket) => socket.end("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nbegin"))

      const first = yield* probe("http", garbage)
      const second = yield* probe("http", JSON.stringify({ url: broken, bodyMatch: "x" }))

      assert.include(first.message, "Parse Error")
      assert.match(second.message, /aborted|connection reset/)
    }).pipe(Effect.scoped))

  it.live("looks in linear time for an expression that would take for ever otherwise", () =>
    Effect.gen(function*() {
      const url = yield* web

      const result = yield* probe("http", JSON.stringify({ url, bodyMatch: "(a+)+$" }))

      assert.deepInclude(result.document, { error: "body does not match \"(a+)+$\"" })
    }).pipe(Effect.scoped))

  it.live("holds up nobody with an expression that does not end", () =>
    Effect.gen(function*() {
      const url = yield* web
      let longestMillis = 0
      let last = performance.now()
      const beat = setInterval(() => {
        longestMillis = Math.max(longestMillis, performance.now() - last)
        last = performance.now()
      }, 5)

      const endless = yield* probe("http", JSON.stringify({ url, bodyMatch: "(a+)+\\1b" }))
      clearInterval(beat)

      assert.include(endless.message, "took longer than 500ms")
      assert.isBelow(longestMillis, 250)
    }).pipe(Effect.scoped), { retry: 2 })
})

const secureWeb = listening(() =>
  https.createServer({
    cert: fs.readFileSync(certificate("agent.pem")),
    key: fs.readFileSync(certificate("agent-key.pem"))
  }, (_, response) => void response.end("secret"))
).pipe(Effect.map((server) => `https://localhost:${portOf(server)}`))

describe("HttpProbe over TLS", () => {
  it.live("reports the days that the certificate is still good and refuses one that it cannot verify", () =>
    Effect.gen(function*() {
      const url = yield* secureWeb

      const unverified = yield* probe("http", url)
      const trusted = yield* probe("http", JSON.stringify({ url, caFile: certificate("root.pem") }))
      const skipped = yield* probe("http", JSON.stringify({ url, insecureSkipVerify: true }))
      const tooFew = yield* probe("http", JSON.stringify({ url, insecureSkipVerify: true, certDaysMin: 1_000_000 }))
      const unreadable = yield* probe("http", JSON.stringify({ url, caFile: "/no/such\0file" }))
      const empty = yield* probe("http", JSON.stringify({ url, caFile: import.meta.filename }))

      assert.isFalse(unverified.available)
      assert.include(unverified.message, "certificate")
      assert.isTrue(trusted.available)
      assert.isTrue(skipped.available)
      assert.isNumber(skipped.document["tls_expiry_days"])
      assert.include(tooFew.message, "at least 1000000 are expected")
      assert.include(unreadable.message, "caFile")
      assert.include(empty.message, "there is no certificate in it")
    }).pipe(Effect.scoped))

  it.live("holds values of a JSON body against what is expected", () =>
    Effect.gen(function*() {
      const url = `${yield* web}/json`
      const ask = (jsonPath: object, more = {}) => probe("http", JSON.stringify({ url, jsonPath, ...more }))

      const good = yield* ask({ "$.checks[0].state": "up", "$.load": [1, 2] }, { bodyMatch: "checks" })
      const bad = yield* ask({ "$.checks[0].state": "down", "$.nothing": 1 })
      const text = yield* probe("http", JSON.stringify({ url: url.replace("/json", "/"), jsonPath: { "$.a": 1 } }))
      const many = yield* Effect.flip(ask({ "$..state": "up" }))
      const none = yield* Effect.flip(ask({ "checks[": "up" }))
      const inexact = yield* Effect.flip(ask({ "$.load": [1, 2 ** 60] }))

      assert.isTrue(good.available, good.message)
      assert.deepInclude(bad.document, {
        body_matched: false,
        error: "$.checks[0].state is \"up\", expected \"down\"; $.nothing is nothing, expected 1"
      })
      assert.include(text.message, "the body is no JSON")
      assert.include(many.message, "it may lead to many")
      assert.include(none.message, "JSON paths that lead to one place")
      assert.include(inexact.message, "beyond 2^53 cannot be told apart")
    }).pipe(Effect.scoped))

  it.live("reads no body without end as JSON", () =>
    Effect.gen(function*() {
      const url = yield* rawHttp((socket) => {
        socket.write("HTTP/1.1 200 OK\r\n\r\n[")
        const flood = () => {
          while (socket.write("1,".repeat(32_768)));
        }
        socket.on("drain", flood)
        flood()
      })

      const result = yield* probe("http", JSON.stringify({ url, jsonPath: { "$[0]": 1 } }))

      assert.include(result.message, "the body has more than 1048576 characters")
    }).pipe(Effect.scoped))

  it.live("reads a body that is nothing but brackets no further, and one of many keys whole", () =>
    Effect.gen(function*() {
      const answering = (body: string) =>
        Effect.map(
          listening(() => http.createServer((_, response) => response.end(body))),
          (server) => `http://127.0.0.1:${portOf(server)}/`
        )
      const deep = yield* answering(`${"[".repeat(500_000)}${"]".repeat(500_000)}`)
      const wide = yield* answering(
        JSON.stringify(Object.fromEntries(Array.from({ length: 60_000 }, (_, key) => [`key${key}`, key])))
      )

      const refused = yield* probe("http", JSON.stringify({ url: deep, jsonPath: { "$[0]": 1 } }))
      const read = yield* probe("http", JSON.stringify({ url: wide, jsonPath: { "$.key59999": 59_999 } }))

      assert.include(refused.message, "nested more than 500 deep")
      assert.isTrue(read.available, read.message)
    }).pipe(Effect.scoped))

  it.live("waits for no answer behind interim ones without end", () =>
    Effect.gen(function*() {
      const url = yield* rawHttp((socket) => {
        const flood = () => {
          while (socket.write("HTTP/1.1 100 Continue\r\n\r\n".repeat(100)));
        }
        socket.on("drain", flood)
        flood()
      })

      const result = yield* probe("http", url)

      assert.include(result.message, "more than 20 interim answers")
    }).pipe(Effect.scoped))

  it.live("times each step, over IPv6 and TLS too, and says in which a check ran out of time", () =>
    Effect.gen(function*() {
      const server = yield* listening(() => http.createServer((_, response) => response.end("here")), "::1")
      const over6 = yield* probe("http", `http://[::1]:${portOf(server)}/`)
      const options = {
        key: fs.readFileSync(certificate("agent-key.pem")),
        cert: fs.readFileSync(certificate("agent.pem"))
      }
      const secure = yield* listening(() => https.createServer(options, (_, response) => response.end("here")))
      const overTls = yield* probe(
        "http",
        JSON.stringify({ url: `https://127.0.0.1:${portOf(secure)}/`, insecureSkipVerify: true })
      )
      const silent = yield* rawHttp(() => {})
      const late = yield* probe("http", JSON.stringify({ url: silent, timeout: "200ms" }))

      assert.deepInclude(over6.document, { address: "::1", status_code: 200 })
      assert.hasAllKeys(over6.document["timings"], ["dns", "connect", "first_byte", "answer", "total"])
      assert.strictEqual(overTls.document["tls_version"], "TLSv1.3")
      assert.hasAllKeys(overTls.document["timings"], ["dns", "connect", "tls", "first_byte", "answer", "total"])
      assert.include(late.message, "timed out after 200ms (from the request to the first byte of the answer)")
      assert.hasAllKeys(late.document["timings"], ["dns", "connect", "first_byte", "total"])
    }).pipe(Effect.scoped))
})
