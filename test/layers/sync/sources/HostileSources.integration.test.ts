/** Sources that mean no good: whatever they answer costs that element or that run, in bounded time and memory. */
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Exit, Stream } from "effect"
import * as v8 from "node:v8"
import * as vm from "node:vm"
import * as zlib from "node:zlib"
import * as SourceTable from "../../../../src/layers/sync/SourceTable.ts"
import type { SourcePage } from "../../../../src/services/sync/DeviceSource.ts"
import type { SourceError } from "../../../../src/services/sync/SourceError.ts"
import { type Answer, device, type HostileSource, lastPage, serve, token } from "../../../support/hostileSource.ts"
import * as rig from "../../../support/syncRig.ts"

interface Seen {
  readonly pages: ReadonlyArray<SourcePage>
  readonly error: SourceError | undefined
  readonly millis: number
  readonly sent: HostileSource["sent"]
}

/** All pages of an Armis that answers so. */
const read = Effect.fnUntraced(function*(answer: Answer, change: Readonly<Record<string, unknown>> = {}) {
  const { sent, url } = yield* serve(answer)
  const config = rig.configOf("/nowhere", { sources: { hostile: rig.armis(url, change) } })
  const [source] = SourceTable.known(config)
  assert.isDefined(source)
  const { source: made } = yield* SourceTable.runnable(source, config)
  const beganAt = yield* Clock.currentTimeMillis
  const pages: Array<SourcePage> = []
  const exit = yield* Effect.exit(
    Stream.runForEach(made.pages(undefined), (page) => Effect.sync(() => pages.push(page)))
  )
  const error = Exit.findErrorOption(exit)
  const seen: Seen = {
    pages,
    error: error._tag === "Some" ? error.value : undefined,
    millis: (yield* Clock.currentTimeMillis) - beganAt,
    sent
  }
  return seen
}, Effect.scoped)

const ends =
  (body: string | Buffer, headers: Readonly<Record<string, string>> = {}, status = 200): Answer => (response) => {
    response.writeHead(status, headers)
    response.end(body)
  }

/** Writes pieces as fast as they are taken, for ever. */
const endless = (opening: string, piece: string): Answer => (response) => {
  response.write(opening)
  const more = () => {
    while (!response.destroyed && response.write(piece));
  }
  response.on("drain", more)
  more()
}

const data = (fields: string) => `{"success":true,"data":{${fields}}}`

/** What it answers, the reason of the failure, and what the detail says. */
const failures: ReadonlyArray<readonly [string, Answer, string, RegExp]> = [
  [
    "a login page",
    ends("<html>log in", { "content-type": "text/html" }),
    "undecodable",
    /no JSON object; content-type text\/html/
  ],
  [
    "a bomb that was not asked for",
    ends(zlib.gzipSync(Buffer.alloc(50_000_000)), { "content-encoding": "gzip" }),
    "undecodable",
    /content-encoding gzip/
  ],
  ["nothing", ends(""), "undecodable", /after 0 bytes/],
  ["a huge header", ends("{}", { "x-huge": "x".repeat(200_000) }), "connection", /Headers Overflow/i],
  ["white space for ever", endless("{", " ".repeat(65_536)), "undecodable", /no JSON object/],
  [
    "elements for ever",
    endless("{\"success\":true,\"data\":{\"results\":[", "{},".repeat(20_000)),
    "too_large",
    /100000 elements/
  ],
  [
    "more elements than any page in a small answer",
    ends(`{"success":true,"data":{"next":0,"results":[${"0,".repeat(200_000)}0]}}`),
    "too_large",
    /100000/
  ],
  ["a total that is no number", ends(data("\"next\":0,\"results\":[],\"total\":NaN")), "undecodable", /no JSON/],
  ["a total below zero", ends(data("\"next\":0,\"results\":[],\"total\":-5")), "undecodable", /total/],
  ["a total as text", ends(data("\"next\":0,\"results\":[],\"total\":\"12\"")), "undecodable", /total/],
  ["a total without end", ends(data("\"next\":0,\"results\":[],\"total\":1e999")), "undecodable", /total/],
  ["a next as text", ends(data("\"next\":\"100\",\"results\":[],\"total\":1")), "undecodable", /next/],
  ["a next as an object", ends(data("\"next\":{},\"results\":[],\"total\":1")), "undecodable", /next/],
  ["a next that is no whole number", ends(data("\"next\":0.5,\"results\":[{}],\"total\":1")), "next_invalid", /0\.5/],
  ["a next beyond all numbers", ends(data("\"next\":1e300,\"results\":[{}],\"total\":1")), "next_invalid", /1e\+300/],
  [
    "an object in place of the list",
    ends(data("\"next\":0,\"results\":{\"0\":{}},\"total\":1")),
    "undecodable",
    /results/
  ],
  ["no list", ends(data("\"next\":0,\"total\":0")), "undecodable", /results/],
  ["a list in place of the object", ends("[]"), "undecodable", /no page/],
  ["a number", ends("1"), "undecodable", /no page/],
  ["brackets without end", ends("[".repeat(3_000_000)), "undecodable", /no JSON/],
  [
    "a body that is cut off between two chunks",
    (response) => {
      response.writeHead(200, { "transfer-encoding": "chunked" })
      response.write("{\"success\":true,", () => response.destroy())
    },
    "connection",
    /GET/
  ],
  ["a redirect in a circle", ends("", { location: "/again" }, 302), "redirect", /more than 5/],
  ["a redirect to a file", ends("", { location: "file:///etc/passwd" }, 302), "redirect", /file:/],
  ["a status from nowhere", ends("", {}, 299), "http_status", /299/],
  [
    "an echo of what is secret, with what steers a terminal",
    (response, request) => {
      response.writeHead(400)
      response.end(`\u001b[2J\u009b31m\u202e${request.headers.authorization}`)
    },
    "http_status",
    /status 400: \[2J31m<redacted>$/
  ],
  [
    "an echo of what is secret in an answer that looks right",
    (response, request) => response.end(data(`"next":"${request.headers.authorization}","results":[],"total":0`)),
    "undecodable",
    /next/
  ],
  ["no token that it takes", ends("{}", { "set-cookie": "session=1" }, 401), "unauthorized", /401/],
  ["no, and that for a year", ends("no", { "retry-after": "31536000" }, 403), "forbidden", /403/]
]

v8.setFlagsFromString("--expose-gc")
const collectGarbage: unknown = vm.runInNewContext("gc")

/** What is not needed any more is no memory that a source takes: the collector would let it lie for as long as there is room. */
const withoutGarbage = Effect.sync(() => {
  if (typeof collectGarbage === "function") collectGarbage()
})

describe("A source that means no good", () => {
  it.live("fails its run, soon and with the right reason, whatever it answers", () =>
    Effect.gen(function*() {
      const before = process.memoryUsage.rss()
      yield* Effect.forEach(failures, ([what, answer, reason, detail]) =>
        Effect.map(Effect.tap(read(answer), withoutGarbage), ({ error, millis, pages, sent }) => {
          assert.strictEqual(error?.reason, reason, what)
          assert.match(error?.detail ?? "", detail, `${what}: ${error?.detail}`)
          assert.notInclude(error?.detail, token, what)
          assert.isAtMost(error?.detail.length ?? 0, 500, what)
          assert.deepStrictEqual(pages, [], what)
          assert.isBelow(millis, 20_000, what)
          assert.isAtMost(sent.length, 12, what)
        }), { concurrency: 4 })
      assert.isBelow(process.memoryUsage.rss() - before, 400 * 1024 * 1024)
    }), 120_000)

  it.live("is asked for a token twice at most when it takes none", () =>
    Effect.gen(function*() {
      const { sent } = yield* read(ends("{}", {}, 401))

      assert.deepStrictEqual(sent.map(({ path }) => path.replace(/\?.*/, "")), [
        "/api/v1/access_token/",
        "/api/v1/search/",
        "/api/v1/access_token/",
        "/api/v1/search/"
      ])
    }))

  it.live("is given no cookie back", () =>
    Effect.gen(function*() {
      const { sent } = yield* read((response, _, index) => {
        response.setHeader("set-cookie", "session=1")
        response.end(lastPage([device(index)], index === 0 ? { next: 1, total: 2 } : { total: 2 }))
      })

      assert.deepStrictEqual(sent.map(({ headers }) => headers.cookie), [undefined, undefined, undefined])
    }))

  it.live("waits no longer than it must, whatever form the pause has that it asks for", () =>
    Effect.gen(function*() {
      const pauses = ["-5", "-31536000", new Date(0).toUTCString(), "soon", "1e9", "0x10", ""]
      yield* Effect.forEach(pauses, (pause) =>
        Effect.map(
          read((response, _, index) => {
            if (index > 0) return void response.end(lastPage([device(1)]))
            response.writeHead(429, { "retry-after": pause })
            response.end()
          }),
          ({ error, millis, pages }) => {
            assert.isUndefined(error, pause)
            assert.lengthOf(pages, 1, pause)
            assert.isBelow(millis, 5_000, pause)
          }
        ), { concurrency: "unbounded" })
    }))

  it.live("costs the elements that are none, each by name, and no other", () =>
    Effect.gen(function*() {
      const deep = `${"[".repeat(50_000)}${"]".repeat(50_000)}`
      const bad: ReadonlyArray<readonly [unknown, string]> = [
        [device("7"), "bad_id"],
        [device(-1), "bad_id"],
        [device(1e300), "bad_id"],
        [device([8]), "bad_id"],
        [device(null), "bad_id"],
        [[device(9)], "bad_id"],
        [null, "bad_id"],
        ["text", "bad_id"],
        [device(10, { name: ["a"] }), "undecodable"],
        [device(11, { tags: "a,b" }), "undecodable"],
        [device(12, { tags: [1] }), "undecodable"],
        [device(13, { ipAddress: 42 }), "undecodable"],
        [device(14, { ipAddress: "٣.٣.٣.٣" }), "bad_address"],
        [device(15, { ipAddress: "0x7f000001, 010.1.1.1, 1.2.3" }), "bad_address"],
        [device(16, { ipAddress: " , ,, " }), "bad_address"],
        [device(17, { name: "n".repeat(100_000) }), "too_long"],
        [device(18, { tags: Array.from({ length: 20_000 }, (_, index) => `tag-${index}`) }), "too_long"]
      ]
      const good = [
        device(1, { name: "\u0000\u001b[2J\u202egnp.exe\ud800", macAddress: "\u0000" }),
        device(2, { lastSeen: "yesterday" }),
        device(3, { __proto__: { polluted: true }, constructor: 1 }),
        device(9_007_199_254_740_991)
      ]
      const text = lastPage([...good, ...bad.map(([element]) => element)]).replace(
        "\"results\":[",
        `"results":[{"id":4,"ipAddress":"192.0.2.4","customProperties":${deep}},${deep},`
      ).replace(/"total":\d+/, `"total":${good.length + bad.length + 2}`)

      const { error, pages: [page] } = yield* read(ends(text, { "content-type": "image/png" }))

      assert.isUndefined(error)
      assert.deepStrictEqual(page?.sightings.map(({ observation }) => observation.id), [
        "4",
        "1",
        "2",
        "3",
        "9007199254740991"
      ])
      assert.deepStrictEqual(page?.rejections.map(({ reason }) => reason), [
        "bad_id",
        ...bad.map(([, reason]) => reason)
      ])
      for (const { sample } of page?.rejections ?? []) assert.match(sample, /^[^\p{Cc}\p{Cf}]{0,120}$/u)
    }))

  it.live("costs an element of ten megabytes, and holds none of it", () =>
    Effect.gen(function*() {
      const huge = device(2, { name: "n".repeat(10_000_000) })
      const before = process.memoryUsage.rss()

      const { error, pages: [page] } = yield* read(ends(lastPage([device(1), huge, device(3)])))

      assert.isUndefined(error)
      assert.deepStrictEqual(page?.sightings.map(({ observation }) => observation.id), ["1", "3"])
      assert.deepStrictEqual(page?.rejections, [{ key: undefined, reason: "too_long", sample: "" }])
      assert.isBelow(process.memoryUsage.rss() - before, 200 * 1024 * 1024)
    }))
})
