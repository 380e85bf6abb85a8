/** What the types of sources have beside devices: options, manners and forms. */
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Stream } from "effect"
import { execFile } from "node:child_process"
import * as fs from "node:fs/promises"
import * as http from "node:http"
import * as path from "node:path"
import { promisify } from "node:util"
import * as FakeArmis from "../../../../src/layers/sync/fakes/FakeArmis.ts"
import * as FakeNetBox from "../../../../src/layers/sync/fakes/FakeNetBox.ts"
import * as SourceTable from "../../../../src/layers/sync/SourceTable.ts"
import * as rig from "../../../support/syncRig.ts"
import { temporaryFolder } from "../../../support/temporaryFolder.ts"

/** One cycle of these sources: what is served and swept, what is stale, and how long it took. */
const observe = Effect.fnUntraced(function*(sources: Readonly<Record<string, unknown>>) {
  const folder = yield* temporaryFolder
  const config = rig.configOf(path.join(folder, "spool"), { sources })
  return yield* Effect.gen(function*() {
    const beganAt = yield* Clock.currentTimeMillis
    yield* Effect.flatMap(SourceTable.make(config), rig.cycle)
    const millis = (yield* Clock.currentTimeMillis) - beganAt
    return { millis, served: yield* rig.served, sweeps: yield* rig.sweeps, stale: (yield* rig.status(config)).stale }
  }).pipe(Effect.provide(rig.layer(config)))
}, Effect.scoped)

const networksOf = (text: string | undefined): ReadonlyArray<string> => JSON.parse(text ?? "{}").networks

describe("Sources of sync", () => {
  it.live("brings NetBox's virtual machines as devices and its prefixes as networks, when they are asked for", () =>
    Effect.gen(function*() {
      const netbox = yield* FakeNetBox.serve({ devices: 2 })

      const plain = yield* observe({ netbox: rig.netbox(netbox.url) })
      const all = yield* observe({ netbox: rig.netbox(netbox.url, { virtual_machines: true, prefixes: true }) })

      assert.deepStrictEqual(plain.served.map(({ hostname }) => hostname), ["device-1", "device-2"])
      assert.deepStrictEqual(networksOf(plain.sweeps["agent-nb"]), ["172.16.0.0/32", "172.16.0.1/32"])
      assert.deepStrictEqual(
        all.served.map(({ hostname, metadata }) => [hostname, metadata["integration_id"]]),
        [["device-1", "1"], ["device-2", "2"], ["vm-one", "vm-1"]]
      )
      assert.deepStrictEqual(networksOf(all.sweeps["agent-nb"]), [
        "10.200.0.1/32",
        "172.16.0.0/32",
        "172.16.0.1/32",
        "198.51.100.0/28",
        "2001:db8::/120"
      ])
      assert.deepStrictEqual(all.stale, [])
    }).pipe(Effect.scoped))

  it.live("sweeps the subnets of NetBox's addresses once each, when they are to be expanded", () =>
    Effect.gen(function*() {
      const netbox = yield* FakeNetBox.serve({ devices: 300 })

      const { served, sweeps } = yield* observe({
        netbox: rig.netbox(netbox.url, { credentials: { api_token: "t0k3n", expand_subnets: "true" } })
      })

      assert.lengthOf(served, 300)
      assert.deepStrictEqual(networksOf(sweeps["agent-nb"]), ["172.16.0.0/24", "172.16.1.0/24"])
    }).pipe(Effect.scoped))

  it.live("asks no more often than the rate limit says", () =>
    Effect.gen(function*() {
      const armis = yield* FakeArmis.serve({ devices: 500 })

      const { millis, served } = yield* observe({ armis: rig.armis(armis.url, { rate_limit: 20 }) })

      assert.lengthOf(served, 500)
      assert.lengthOf(armis.requests, 6)
      // Six requests, five pauses of 50 ms.
      assert.isAtLeast(millis, 245)
    }).pipe(Effect.scoped))

  it.live("goes on while the time of day jumps forth and back by hours", () =>
    Effect.gen(function*() {
      const armis = yield* FakeArmis.serve({ devices: 500 })
      const clock = yield* Clock.Clock
      let looks = 0
      const jumping = () => clock.currentTimeMillisUnsafe() + (looks++ % 3 - 1) * 6 * 3_600_000
      const beganAt = Date.now()

      const { served, stale } = yield* Effect.provideService(
        observe({ armis: rig.armis(armis.url, { rate_limit: 50 }) }),
        Clock.Clock,
        {
          currentTimeMillisUnsafe: jumping,
          currentTimeMillis: Effect.sync(jumping),
          currentTimeNanosUnsafe: () => clock.currentTimeNanosUnsafe(),
          currentTimeNanos: clock.currentTimeNanos,
          monotonicTimeNanosUnsafe: () => clock.monotonicTimeNanosUnsafe(),
          monotonicTimeNanos: clock.monotonicTimeNanos,
          sleep: (duration) => clock.sleep(duration)
        }
      )

      assert.deepStrictEqual(stale, [])
      assert.lengthOf(served, 500)
      assert.isBelow(Date.now() - beganAt, 10_000)
    }).pipe(Effect.scoped))

  it.live("waits as long as a source that is asked too often wants, then asks for that page again", () =>
    Effect.gen(function*() {
      const armis = yield* FakeArmis.serve({ devices: 500 })
      const netbox = yield* FakeNetBox.serve({ devices: 500 })
      armis.set({ faults: [{ kind: "429", page: 2, times: 1 }] })
      netbox.set({ faults: [{ kind: "429", page: 0, times: 1 }] })

      const { millis, served, stale } = yield* observe({
        armis: rig.armis(armis.url),
        netbox: rig.netbox(netbox.url)
      })

      assert.lengthOf(served, 1_000)
      assert.deepStrictEqual(stale, [])
      assert.isAtLeast(millis, 1_000)
      assert.deepStrictEqual([armis.requests.length, netbox.requests.length], [7, 6])
    }).pipe(Effect.scoped))

  it.live("asks Armis through the proxy of the environment, and NetBox directly, as the Go service does", () =>
    Effect.gen(function*() {
      const armis = yield* FakeArmis.serve({ devices: 50 })
      const netbox = yield* FakeNetBox.serve({ devices: 20 })
      const passed: Array<string> = []
      const port = yield* Effect.acquireRelease(
        Effect.callback<readonly [http.Server, number]>((resume) => {
          // Only the proxy knows where this Armis is.
          const server = http.createServer((request, response) => {
            const { pathname, search } = new URL(request.url ?? "")
            passed.push(request.headers["proxy-authorization"] ?? "")
            const { headers, method } = request
            request.pipe(
              http.request(`${armis.url}${pathname}${search}`, { headers, method: method ?? "GET" }, (answer) => {
                response.writeHead(answer.statusCode ?? 500, answer.headers)
                answer.pipe(response)
              })
            )
          })
          server.listen(0, "127.0.0.1", () => {
            const address = server.address()
            resume(Effect.succeed([server, typeof address === "object" && address !== null ? address.port : 0]))
          })
        }),
        ([server]) => Effect.sync(() => server.close())
      )
      yield* Effect.acquireRelease(
        Effect.sync(() => {
          process.env["HTTP_PROXY"] = `user:pass@127.0.0.1:${port[1]}`
        }),
        () => Effect.sync(() => delete process.env["HTTP_PROXY"])
      )

      const { served, stale } = yield* observe({
        armis: rig.armis("http://armis.invalid"),
        netbox: rig.netbox(netbox.url)
      })

      assert.deepStrictEqual(stale, [])
      assert.lengthOf(served, 70)
      assert.deepStrictEqual(new Set(passed), new Set([`Basic ${btoa("user:pass")}`]))
      assert.lengthOf(passed, armis.requests.length)
    }).pipe(Effect.scoped))

  it.live("reads NDJSON, of which a line that is none costs that line alone", () =>
    Effect.gen(function*() {
      const folder = yield* temporaryFolder
      const file = path.join(folder, "lab.ndjson")
      const lines = [
        JSON.stringify({ id: 1, ip: "192.0.2.1, 2001:DB8::1", hostname: "one", mac: "3c-97-0e-00-01-01", rack: "A7" }),
        "{\"id\":2,\"ip\":\"192.0.2.2\"",
        "",
        JSON.stringify({ id: 3, ip: "192.0.2.3", hostname: null, tags: "lab,core" }),
        JSON.stringify({ ip: "192.0.2.4" }),
        JSON.stringify({ id: 5, ip: "none" })
      ]
      yield* Effect.promise(() => fs.writeFile(file, lines.join("\n")))

      const { served, stale } = yield* observe({ lab: { type: "file", endpoint: file } })

      assert.deepStrictEqual(stale, [])
      assert.deepStrictEqual(served.map(({ ip }) => ip), ["192.0.2.1", "192.0.2.4", "192.0.2.3"])
      const one = served.find(({ ip }) => ip === "192.0.2.1")
      assert.deepInclude(one, { hostname: "one", mac: "3C:97:0E:00:01:01", source: "integration" })
      assert.deepInclude(one?.metadata, { rack: "A7", all_ips: "192.0.2.1,2001:db8::1", ip_count: "2" })
    }).pipe(Effect.scoped))

  it.live("holds little of a line without an end, and takes the lines around it", () =>
    Effect.gen(function*() {
      const folder = yield* temporaryFolder
      const file = path.join(folder, "lab.ndjson")
      const piece = "x".repeat(1024 * 1024)
      yield* Effect.promise(async () => {
        await fs.writeFile(file, `{"ip":"192.0.2.1"}\r\n{"ip":"192.0.2.2","notes":"`)
        for (let index = 0; index < 200; index++) await fs.appendFile(file, piece)
        await fs.appendFile(file, `"}\n{"ip":"192.0.2.3"}\n${piece}`)
      })
      const before = process.memoryUsage.rss()

      const { served, stale } = yield* observe({ lab: { type: "file", endpoint: file } })

      assert.deepStrictEqual(stale, [])
      assert.deepStrictEqual(served.map(({ ip }) => ip), ["192.0.2.1", "192.0.2.3"])
      assert.isBelow(process.memoryUsage.rss() - before, 150 * 1024 * 1024)
    }).pipe(Effect.scoped))

  it.live("reads CSV as others export it: marks of the order of bytes, any line ends, quotes, short lines", () =>
    Effect.gen(function*() {
      const folder = yield* temporaryFolder
      const file = path.join(folder, "lab.csv")
      const lines = [
        "\uFEFFID, IP ,Hostname,Notes,deleted,_deleted,canonical_device_id",
        "1,\"192.0.2.1, 2001:db8::1\",\"one, \"\"quoted\"\"\",\"two\nlines\",true,true,sr:somebody-else",
        "2,192.0.2.2",
        "",
        "3,,no address",
        "4,192.0.2.4,four,,,,,,too,many"
      ]
      yield* Effect.promise(() => fs.writeFile(file, lines.join("\r\n")))

      const { served, stale } = yield* observe({ lab: { type: "file", endpoint: `file://${file}` } })

      assert.deepStrictEqual(stale, [])
      assert.deepStrictEqual(served.map(({ ip }) => ip), ["192.0.2.1", "192.0.2.2", "192.0.2.4"])
      const [one] = served
      assert.strictEqual(one?.hostname, "one, \"quoted\"")
      // What core takes for an order to delete, or for somebody else's device, is a column like any other.
      assert.hasAllKeys(one?.metadata, [
        "notes",
        "all_ips",
        "integration_id",
        "integration_type",
        "ip_count",
        "primary_ip",
        "tag"
      ])
    }).pipe(Effect.scoped))

  it.live("says of a file that it is none, and waits for nobody", () =>
    Effect.gen(function*() {
      const folder = yield* temporaryFolder
      const at = (name: string) => path.join(folder, name)
      yield* Effect.promise(async () => {
        await fs.mkdir(at("folder.csv"))
        await promisify(execFile)("mkfifo", [at("pipe.csv")])
        await fs.symlink(at("loop.csv"), at("loop.csv"))
        await fs.writeFile(at("semicolons.csv"), "id;ip;hostname\n1;192.0.2.1;one\n")
        await fs.writeFile(at("twice.csv"), "ip,IP\n192.0.2.1,192.0.2.2\n")
        await fs.writeFile(at("quote.csv"), `id,ip\n1,"192.0.2.1\n${"x".repeat(400_000)}`)
        await fs.writeFile(at("table.xlsx"), Buffer.from("504b0304140006000800000021", "hex"))
        await fs.writeFile(at("empty.csv"), "")
        await fs.writeFile(at("header.csv"), "id,ip\n")
      })
      const expected: Readonly<Record<string, RegExp>> = {
        "absent.csv": /absent\.csv: there is no such file/,
        "folder.csv": /it is a folder, expected a file/,
        "pipe.csv": /it is no regular file/,
        "loop.csv": /ELOOP/,
        "semicolons.csv": /no column ip, but: id;ip;hostname/,
        "twice.csv": /has the column ip twice/,
        "quote.csv": /quote\.csv: .*(record|quote)/i,
        "table.xlsx": /no column ip/,
        "empty.csv": /no devices came/,
        "header.csv": /no devices came/
      }

      const { millis, stale } = yield* observe(
        Object.fromEntries(
          Object.keys(expected).map((name) => [name, { type: "file", endpoint: at(name), request_timeout: "5s" }])
        )
      )

      assert.sameMembers(stale.map(({ source }) => source), Object.keys(expected))
      for (const { detail, reason, source } of stale) {
        assert.match(detail, expected[source] ?? /^$/, source)
        assert.strictEqual(reason, detail.startsWith("no devices") ? "no_devices" : "file", source)
      }
      assert.isBelow(millis, 4_000)
    }).pipe(Effect.scoped))

  it.live("takes no file that is written to while it is read, and a new one in its place only the next time", () =>
    Effect.gen(function*() {
      const folder = yield* temporaryFolder
      const file = path.join(folder, "lab.csv")
      const text = (count: number) =>
        `id,ip\n${
          Array.from({ length: count }, (_, index) => `${index},10.0.${index >> 8}.${index & 255}`).join("\n")
        }\n`
      const config = rig.configOf(path.join(folder, "spool"), { sources: { lab: { type: "file", endpoint: file } } })
      const [source] = SourceTable.known(config)
      assert.isDefined(source)
      const { source: made } = yield* SourceTable.runnable(source, config)
      /** Devices that come when this happens after the first page. */
      const readWhile = (happens: () => Promise<void>) =>
        made.pages(undefined).pipe(
          Stream.rechunk(1),
          Stream.zipWithIndex,
          Stream.tap(([, index]) => index === 0 ? Effect.promise(happens) : Effect.void),
          Stream.runFold(() => 0, (sum, [page]) => sum + page.sightings.length),
          Effect.catchTag("SourceError", ({ detail }) => Effect.succeed(detail))
        )
      yield* Effect.promise(() => fs.writeFile(file, text(5_000)))

      const written = yield* readWhile(() => fs.appendFile(file, "9999,192.0.2.1\n"))
      const replaced = yield* readWhile(async () => {
        await fs.writeFile(`${file}.new`, text(10))
        await fs.rename(`${file}.new`, file)
      })

      assert.match(String(written), /the file was written to while its 5001 lines were read/)
      assert.strictEqual(replaced, 5_001)
      assert.strictEqual(yield* readWhile(() => Promise.resolve()), 10)
    }).pipe(Effect.scoped))
})
