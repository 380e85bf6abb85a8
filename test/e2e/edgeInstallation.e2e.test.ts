/** A poller is set up with a package: made at a core that speaks mTLS, fetched as an archive, unpacked, installed and started. */
import { assert, layer } from "@effect/vitest"
import { Effect, Option, Schema } from "effect"
import { execFile } from "node:child_process"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import { promisify } from "node:util"
import * as Browser from "../support/browser.ts"
import * as Program from "../support/Program.ts"
import * as SignedInCore from "../support/signedInCore.ts"
import { temporaryFolder } from "../support/temporaryFolder.ts"
import { TestDatabase } from "../support/TestDatabase.ts"

const run = promisify(execFile)

const Config = Schema.fromJsonString(Schema.Record(Schema.String, Schema.Unknown))
const decodeConfig = Schema.decodeUnknownEffect(Config)

const modeOf = (file: string) => Effect.promise(async () => (await fs.stat(file)).mode & 0o777)

/** A core that speaks mTLS, with the authority that its packages are of, and an admin's way to ask it. */
const started = Effect.fnUntraced(function*() {
  const folder = yield* temporaryFolder
  const certificates = path.join(folder, "certs")
  for (const args of [["init"], ["issue", "core"]]) {
    const made = yield* Program.start(["certs", ...args, "--dir", certificates], {})
    assert.strictEqual(yield* made.exited, 0, made.output())
  }
  const ca = yield* Effect.promise(() => fs.readFile(path.join(certificates, "root.pem"), "utf8"))
  const [port, transport] = [yield* Program.freePort, Browser.trusting(ca)]
  const core = yield* SignedInCore.start({
    port,
    base: `https://127.0.0.1:${port}`,
    transport,
    env: { SERVICERADAR_HTTP_TLS: "true" },
    more: {
      edge_onboarding: { cert_dir: certificates },
      security: {
        mode: "mtls",
        cert_dir: certificates,
        role: "core",
        tls: { cert_file: "core.pem", key_file: "core-key.pem", ca_file: "root.pem" }
      }
    }
  })
  yield* core.command("user", "add", "admin@example.org", "--role", "admin")
  const token = yield* core.command("token", "create", "admin@example.org", "--scope", "admin")
  const ask = (method: string, at: string, body?: unknown) =>
    Effect.promise(async () => {
      const response = await transport(`${core.base}${at}`, {
        method,
        headers: { authorization: `Bearer ${token}` },
        ...(body === undefined ? {} : { body: JSON.stringify(body) })
      })
      return { status: response.status, text: await response.text() }
    })
  return { ...core, ask, folder, transport }
})

layer(TestDatabase.layer, { excludeTestServices: true, timeout: "60 seconds" })("An edge package", (it) => {
  it.effect("is all that a poller needs to report to its core over mTLS", () =>
    Effect.gen(function*() {
      const { ask, base, folder, grpc, program, transport } = yield* started()
      const made = yield* ask("POST", "/api/admin/edge-packages", {
        label: "Edge 7",
        security_mode: "mtls",
        metadata_json: JSON.stringify({ core_address: grpc })
      })
      assert.strictEqual(made.status, 201, made.text)
      const { download_token, package: { package_id } } = JSON.parse(made.text)

      const fetched = yield* Effect.promise(() =>
        transport(`${base}/api/edge-packages/${package_id}/bundle?token=${download_token}`, {})
      )
      assert.strictEqual(fetched.status, 200)
      assert.strictEqual(fetched.headers.get("content-type"), "application/gzip")
      assert.strictEqual(
        fetched.headers.get("content-disposition"),
        `attachment; filename="edge-package-${String(package_id).slice(0, 8)}.tar.gz"`
      )
      const [unpacked, installed] = [path.join(folder, "unpacked"), path.join(folder, "etc")]
      const archive = path.join(folder, "edge.tar.gz")
      const listed = yield* Effect.promise(async () => {
        await fs.writeFile(archive, Buffer.from(await fetched.arrayBuffer()))
        await fs.mkdir(unpacked)
        await run("tar", ["-xzf", archive, "-C", unpacked])
        return (await run("tar", ["-tzf", archive])).stdout.trim().split("\n")
      })
      assert.deepStrictEqual(listed, [
        "certs/component.pem",
        "certs/component-key.pem",
        "certs/ca-chain.pem",
        "config/config.json",
        "install.sh",
        "README.md"
      ])
      yield* Effect.promise(() => run("sh", [path.join(unpacked, "install.sh"), installed]))
      for (const file of ["certs/component-key.pem", "poller.json"]) {
        assert.strictEqual(yield* modeOf(path.join(installed, file)), 0o600, file)
      }
      for (const odd of ["etc", "/tmp/a b", "/tmp/a|b"]) {
        const refused = yield* Effect.promise(() =>
          run("sh", [path.join(unpacked, "install.sh"), odd]).then(() => "done", (error: unknown) => String(error))
        )
        assert.include(refused, "expected", odd)
      }

      // What is of the machine: its ports, and how often it reports.
      const config = path.join(installed, "poller.json")
      const shipped = yield* decodeConfig(yield* Effect.promise(() => fs.readFile(config, "utf8")))
      const own = { listen_addr: `127.0.0.1:${yield* Program.freePort}`, poll_interval: "1s" }
      yield* Effect.promise(() => fs.writeFile(config, JSON.stringify({ ...shipped, ...own })))
      const poller = yield* Program.start(["poller", "--config", config, "--http", "off"], {})
      const heard = yield* Program.eventually(
        "core has a report of the poller",
        Effect.map(ask("GET", "/api/pollers/edge-7"), Option.liftPredicate(({ status }) => status === 200)),
        { within: "60 seconds", programs: [poller, program] }
      )
      assert.deepInclude(JSON.parse(heard.text), { poller_id: "edge-7", is_healthy: true })
      const activated = yield* Program.eventually(
        "its package is activated",
        Effect.map(
          ask("GET", `/api/admin/edge-packages/${package_id}`),
          Option.liftPredicate(({ text }) => text.includes(`"activated"`))
        ),
        { within: "60 seconds", programs: [poller, program] }
      )
      const { activated_at, status } = JSON.parse(activated.text)
      assert.deepStrictEqual([status, typeof activated_at], ["activated", "string"])
      const events = yield* ask("GET", `/api/admin/edge-packages/${package_id}/events`)
      assert.deepStrictEqual(
        JSON.parse(events.text).map(({ event_type }: { readonly event_type: string }) => event_type),
        ["activated", "delivered", "issued"]
      )
      const again = yield* Effect.promise(() =>
        transport(`${base}/api/edge-packages/${package_id}/bundle?token=${download_token}`, {})
      )
      assert.deepStrictEqual([again.status, yield* Effect.promise(() => again.text())], [
        409,
        JSON.stringify({ error: "package already_activated" })
      ])
    }), { timeout: 120_000 })
})
