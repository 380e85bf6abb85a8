/** `serviceradar config diff` as scripts call it, and what `config check` says of a file that the Go poller starts with. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import * as Program from "../../support/Program.ts"
import { temporaryFolder } from "../../support/temporaryFolder.ts"

const base = {
  poller_id: "p",
  core_address: "core:50052",
  agents: {
    a: { address: "a:50051", checks: [{ service_type: "port", service_name: "ssh" }] },
    b: { address: "b:50051" }
  }
}

const next = {
  ...base,
  listen_addr: ":50053",
  agents: {
    a: { address: "a:50052", checks: [{ service_type: "port", service_name: "web" }] },
    c: { address: "c:50051" }
  }
}

const answer = Effect.fnUntraced(function*(...args: ReadonlyArray<string>) {
  const program = yield* Program.start(args)
  const code = yield* program.exited.pipe(Effect.timeout("60 seconds"))
  return { code, stdout: program.stdout(), output: program.output() }
})

const written = (files: Readonly<Record<string, unknown>>) =>
  Effect.gen(function*() {
    const folder = yield* temporaryFolder
    const at = (name: string) => path.join(folder, name)
    for (const [name, file] of Object.entries(files)) {
      yield* Effect.promise(() => fs.writeFile(at(name), typeof file === "string" ? file : JSON.stringify(file)))
    }
    return at
  })

describe("serviceradar config", () => {
  it.live(
    "diff tells what a running poller would do: as a table, as JSON and by its exit code",
    () =>
      Effect.gen(function*() {
        const at = yield* written({
          "old.json": base,
          "new.json": next,
          "bad.json": { ...base, poll_interval: "soon" }
        })
        const same = yield* answer("config", "diff", at("old.json"), at("old.json"))
        const table = yield* answer("config", "diff", at("old.json"), at("new.json"))
        const json = yield* answer("config", "diff", "--json", at("old.json"), at("new.json"))
        const bad = yield* answer("config", "diff", at("old.json"), at("bad.json"))

        assert.deepStrictEqual([same.code, table.code, json.code, bad.code], [0, 1, 1, 2])
        assert.include(same.stdout, "nothing is different")
        assert.match(table.stdout, /AgentAddressChanged +agents\.a\.address +a:50051 +a:50052 +this agent's connection/)
        assert.match(table.stdout, /RestartNeeded .*nobody: restart needed/)
        assert.deepInclude(JSON.parse(json.stdout), { needs_restart: true })
        assert.deepStrictEqual(JSON.parse(json.stdout).changes.map(({ change }: { change: string }) => change), [
          "AgentRemoved",
          "AgentAddressChanged",
          "ChecksChanged",
          "AgentAdded",
          "RestartNeeded"
        ])
        assert.include(bad.output, "poll_interval is \"soon\"")
      }).pipe(Effect.scoped),
    120_000
  )

  it.live(
    "check warns of checks that a poller leaves out, and of a key that is given twice",
    () =>
      Effect.gen(function*() {
        const at = yield* written({
          "poller.json": `{"poller_id":"p","core_address":"core","partition":"x","partition":"y","agents":{
          "a":{"address":"a:1","checks":[{"service_type":"","service_name":"x"}]}},"logging":{"output":"/var/log/p"}}`
        })
        const { code, stdout } = yield* answer("config", "check", at("poller.json"))

        assert.strictEqual(code, 0)
        assert.match(stdout, /:2:\d+: warning: agents\.a\.checks\[0\]\.service_type is "".*this part is left out/)
        assert.match(stdout, /:1:\d+: warning: partition: expected a key that is given once/)
        assert.include(stdout, "names no port: 443 is dialled")
        assert.include(stdout, "the log goes to stdout")
      }).pipe(Effect.scoped),
    60_000
  )
})
