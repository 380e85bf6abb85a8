import { assert, describe, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import * as Command from "../../../src/layers/probes/Command.ts"
import { temporaryFolder } from "../../support/temporaryFolder.ts"
import { probe } from "./probing.ts"

const folders = Command.searchPath(process.env["PATH"])

/** A folder with nothing in it but this machine's tool of that name. */
const onlyTool = (name: string) =>
  Effect.gen(function*() {
    const file = yield* Command.find(name, folders)
    const folder = yield* temporaryFolder
    if (Option.isSome(file)) yield* Effect.promise(() => fs.symlink(file.value, path.join(folder, name)))
    return { folder, isThere: Option.isSome(file) }
  })

const script = (name: string, text: string) =>
  Effect.gen(function*() {
    const folder = yield* temporaryFolder
    yield* Effect.promise(() => fs.writeFile(path.join(folder, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 }))
    return folder
  })

describe("IcmpProbe", () => {
  it.live.each(["fping", "ping"])(
    "asks with this machine's %s, or says how to get one",
    (name) =>
      Effect.gen(function*() {
        const { folder, isThere } = yield* onlyTool(name)

        const result = yield* Effect.result(probe("icmp", "127.0.0.1", { path: folder }))

        if (!isThere) {
          assert.isTrue(result._tag === "Failure" && result.failure.message.includes("apt-get install"))
          return
        }
        const outcome = yield* Effect.fromResult(result)
        // An unprivileged user may be kept from sending: then the tool's complaint is the answer.
        if (outcome.available) {
          assert.deepInclude(outcome.document, {
            host: "127.0.0.1",
            response_time: Number(outcome.responseTimeNanos),
            packet_loss: 0,
            available: true,
            packets_sent: 3,
            packets_received: 3,
            tool: name
          })
          const [shortest, longest] = [outcome.document["round_trip_min"], outcome.document["round_trip_max"]]
          assert.isAbove(Number(shortest), 0)
          assert.isAtLeast(Number(longest), Number(shortest))
        } else assert.match(outcome.message, /not permitted|denied|ICMP scan failed/)
      }).pipe(Effect.scoped)
  )

  it.live.each(["fping", "ping"])("says that a name does not exist, with %s", (name) =>
    Effect.gen(function*() {
      const { folder, isThere } = yield* onlyTool(name)

      const result = yield* Effect.result(probe("icmp", "no-such-host.invalid", { path: folder }))

      assert.strictEqual(result._tag, isThere ? "Success" : "Failure")
      if (result._tag === "Success") {
        assert.match(result.success.message, /no such host|could not be resolved/)
      }
    }).pipe(Effect.scoped))

  it.live("answers for this host, with its device, when no host is named", () =>
    Effect.gen(function*() {
      const folder = yield* script(
        "fping",
        "echo '127.0.0.1 : xmt/rcv/%loss = 1/1/0%, min/avg/max = 0.03/0.03/0.03' >&2"
      )

      const { document } = yield* probe("icmp", "", { path: folder })

      assert.deepInclude(document, { host: "127.0.0.1", agent_id: "agent-1", poller_id: "poller-1" })
      assert.match(String(document["device_id"]), /^default:\d+\.\d+\.\d+\.\d+$/)
    }).pipe(Effect.scoped))

  it.live.each(["", "1"])(
    "counts a request that is answered twice once (fping-duplicates.sh, OLD=%j)",
    (old) =>
      Effect.gen(function*() {
        const folder = yield* script(
          "fping",
          old === ""
            ? "echo '192.0.2.7 : [0], 64 bytes, 0.300 ms (0.300 avg, 0% loss)'\n" +
              "echo '192.0.2.7 : xmt/rcv/%return = 1/2/200%, min/avg/max = 0.300/0.360/0.420' >&2"
            : "echo '192.0.2.7 : xmt/rcv/%loss = 5/6/120%, min/avg/max = 0.25/0.35/0.53' >&2"
        )

        const outcome = yield* probe("icmp", "192.0.2.7", { path: folder })

        assert.isTrue(outcome.available)
        assert.strictEqual(outcome.document["packet_loss"], 0)
      }).pipe(Effect.scoped)
  )

  it.live("names \"Operation not permitted\" (ping-not-permitted.sh)", () =>
    Effect.gen(function*() {
      const folder = yield* script(
        "ping",
        "echo 'ping: socktype: SOCK_RAW' >&2\necho 'ping: socket: Operation not permitted' >&2\n" +
          "echo 'ping: => missing cap_net_raw+p capability or setuid?' >&2\nexit 2"
      )

      const outcome = yield* probe("icmp", "192.0.2.7", { path: folder })

      assert.isFalse(outcome.available)
      assert.include(outcome.message, "Operation not permitted")
    }).pipe(Effect.scoped))

  it.live("asks the other tool when the first may not send, and leaves out options that it does not know", () =>
    Effect.gen(function*() {
      const folder = yield* script(
        "fping",
        "echo 'fping: can not create raw socket: Operation not permitted' >&2; exit 4"
      )
      const answer = "3 packets transmitted, 3 packets received, 0% packet loss"
      yield* Effect.promise(() =>
        fs.writeFile(
          path.join(folder, "ping"),
          "#!/bin/sh\ncase \"$*\" in *-i*) echo 'ping: invalid option -- i' >&2; exit 1;; esac\n" +
            `echo '64 bytes from 192.0.2.7: seq=0 ttl=64 time=0.1 ms'; echo '${answer}'\n`,
          { mode: 0o755 }
        )
      )

      const outcome = yield* probe("icmp", "192.0.2.7", { path: folder })

      assert.isTrue(outcome.available, outcome.message)
    }).pipe(Effect.scoped))

  it.live("sends several requests and says how many were lost", () =>
    Effect.gen(function*() {
      const folder = yield* script(
        "fping",
        "case \"$*\" in *'-c 3'*) echo '192.0.2.7 : xmt/rcv/%loss = 3/2/33%, min/avg/max = 0.2/0.3/0.4' >&2;; esac"
      )

      const outcome = yield* probe("icmp", "192.0.2.7", { path: folder })

      assert.deepInclude(outcome.document, { available: true, packet_loss: 33.33, response_time: 300_000 })
    }).pipe(Effect.scoped))

  it.live("is unavailable without a tool on the path", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(probe("icmp", "127.0.0.1", { path: "/proc/self" }))

      assert.strictEqual(error._tag, "PingUnavailable")
    }))

  it.live("refuses what is no host before any tool sees it", () =>
    Effect.gen(function*() {
      const errors = yield* Effect.forEach(["-f", "a b", "$(id)", "::1;id", "a\0b", "999.1.1.1"], (host) =>
        Effect.flip(probe("icmp", host)))

      assert.deepStrictEqual([
        ...new Set(errors.map((error) =>
          error._tag
        ))
      ], ["InvalidTarget"])
    }))

  it.live("sends as many requests as it is told, and holds loss and round trip against the limits", () =>
    Effect.gen(function*() {
      const folder = yield* script(
        "fping",
        "case \"$*\" in *'-c 10 -p 250 -t 1000'*) echo '192.0.2.7 : xmt/rcv/%loss = 10/7/30%, min/avg/max = 1/20/40' >&2;; esac"
      )
      const ask = (limits: object) =>
        probe(
          "icmp",
          JSON.stringify({ host: "192.0.2.7", count: 10, interval: "250ms", replyTimeout: "1s", ...limits }),
          { path: folder }
        )

      const plain = yield* ask({})
      const lossy = yield* ask({ lossPercentMax: 20 })
      const slow = yield* ask({ roundTripMax: "10ms" })
      const long = yield* Effect.flip(ask({ count: 20 }))

      assert.deepInclude(plain.document, { available: true, packets_sent: 10, packets_received: 7, packet_loss: 30 })
      assert.deepInclude(lossy.document, {
        available: false,
        error: "30 % of the requests are lost, at most 20 are expected"
      })
      assert.deepInclude(slow.document, { error: "the average round trip is 20ms, at most 10ms is expected" })
      assert.include(long.message, "together take at most")
    }).pipe(Effect.scoped))

  it.live("asks only addresses of the family that it is told", () =>
    Effect.gen(function*() {
      const folder = yield* script("fping", "echo '::1 : xmt/rcv/%loss = 3/3/0%, min/avg/max = 1/1/1' >&2")

      const none = yield* probe("icmp", "{\"host\":\"127.0.0.1\",\"family\":\"ipv6\"}", { path: folder })

      assert.include(none.message, "the name has no ipv6 address")
    }).pipe(Effect.scoped))
})
