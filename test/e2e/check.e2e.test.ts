/** `serviceradar check` as a user calls it. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import * as net from "node:net"
import * as Program from "../support/Program.ts"

const check = (...args: ReadonlyArray<string>) =>
  Effect.gen(function*() {
    const program = yield* Program.start(["check", ...args])
    const code = yield* program.exited
    return { code, stdout: program.stdout(), output: program.output() }
  })

const Lines = Schema.Array(Schema.Struct({
  serviceName: Schema.String,
  serviceType: Schema.String,
  available: Schema.Boolean,
  responseTimeNanos: Schema.Int,
  message: Schema.Record(Schema.String, Schema.Unknown),
  at: Schema.DateTimeUtcFromString
}))
const decode = Schema.decodeUnknownEffect(Schema.fromJsonString(Lines))

const openPort = Effect.acquireRelease(
  Effect.callback<net.Server>((resume) => {
    const server = net.createServer((socket) => socket.on("error", () => {}))
    server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
  }),
  (server) => Effect.sync(() => void server.close())
).pipe(Effect.map((server) => {
  const address = server.address()
  return typeof address === "object" && address !== null ? address.port : 0
}))

describe("serviceradar check", () => {
  it.live("prints a table and exits with 0 when the target is available", () =>
    Effect.gen(function*() {
      const target = `127.0.0.1:${yield* openPort}`

      const { code, stdout } = yield* check("port", target)

      assert.strictEqual(code, 0)
      assert.match(
        stdout,
        new RegExp(`^check    port ${target}\nstatus   available\ntime     \\S+\nat       \\S+Z\nmessage  \\{`)
      )
    }).pipe(Effect.scoped))

  it.live("prints JSON with --json, and exits with 1 when the target is not available", () =>
    Effect.gen(function*() {
      const { code, stdout } = yield* check("port", "127.0.0.1:1", "--json")
      const [line, ...more] = yield* decode(stdout)

      assert.strictEqual(code, 1)
      assert.deepInclude(line, { serviceName: "127.0.0.1:1", serviceType: "port", available: false })
      assert.deepStrictEqual(line?.message, { error: "Port 1 is not accessible: connection refused" })
      assert.isEmpty(more)
    }).pipe(Effect.scoped))

  it.live("shows the message and the time of each step with --explain", () =>
    Effect.gen(function*() {
      const target = `127.0.0.1:${yield* openPort}`

      const { code, stdout } = yield* check("tcp", JSON.stringify({ address: target, timeout: "300ms" }), "--explain")

      assert.strictEqual(code, 1)
      assert.match(
        stdout,
        /^check {4}tcp \{"address":"127\.0\.0\.1:\d+","timeout":"300ms"\}\nstatus {3}not available\n/
      )
      assert.match(stdout, /\nerror {2}TCP check of .* timed out after 300ms/)
      assert.match(stdout, /\nconnect {5} *█+ +\S+s\nfirst_byte {2} *█+ +[1-3]\S+ms\ntotal {7}█+ +3\S+ms\n$/)
    }).pipe(Effect.scoped))

  it.live("repeats with --watch, a line for each, and the last decides", () =>
    Effect.gen(function*() {
      const target = `127.0.0.1:${yield* openPort}`
      const twice = ["--watch", "--count", "2", "--interval", "10ms"]

      const lines = yield* check("port", target, ...twice)
      const json = yield* check("port", "127.0.0.1:1", ...twice, "--json")

      assert.strictEqual(lines.code, 0)
      assert.match(lines.stdout, /^(?:\S+Z {2}available {6}\S+s\n){2}$/)
      assert.strictEqual(json.code, 1)
      const parsed = json.stdout.trimEnd().split("\n").map((line): unknown => JSON.parse(line))
      assert.strictEqual(parsed.length, 2)
      for (const line of parsed) assert.deepInclude(line, { serviceType: "port", available: false })
    }).pipe(Effect.scoped))

  it.live("runs a program that the user names", () =>
    Effect.gen(function*() {
      const program = { program: "/bin/echo", args: ["all is well | x=1s"] }

      const { code, stdout } = yield* check("exec", JSON.stringify(program), "--json")
      const [line] = yield* decode(stdout)

      assert.strictEqual(code, 0)
      assert.deepInclude(line?.message, { state: "OK", output: "all is well" })
    }).pipe(Effect.scoped))

  it.live("ends in time when it is given one", () =>
    Effect.gen(function*() {
      const port = yield* openPort

      const { code, output } = yield* check("http", `http://127.0.0.1:${port}/`, "--timeout", "200ms")

      assert.strictEqual(code, 1)
      assert.include(output, "timed out after 200ms")
    }).pipe(Effect.scoped))

  it.live.each([
    { args: ["port", "nonsense"], words: ["\"nonsense\"", "expected host:port"] },
    { args: ["icmp", "999.1.1.1"], words: ["\"999.1.1.1\"", "expected a host name"] },
    { args: ["telepathy", "x"], words: ["\"telepathy\"", "expected one of icmp, port, tcp, udp, dns"] }
  ])("names value and expectation of $args and exits with 2", ({ args, words }) =>
    Effect.gen(function*() {
      const { code, output, stdout } = yield* check(...args)

      assert.strictEqual(code, 2)
      assert.strictEqual(stdout, "")
      for (const word of words) assert.include(output, word)
    }).pipe(Effect.scoped))
})
