/** A poller is set up with a package: made at a core that speaks mTLS, fetched as an archive, unpacked, installed and started. */
import { assert, layer } from "@effect/vitest"
import { Effect, Option, Schema } from "effect"
import { execFile } from "node:child_process"
import * as crypto from "node:crypto"
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
  // Of the database of both tests.
  const admin = `${crypto.randomUUID()}@example.org`
  yield* core.command("user", "add", admin, "--role", "admin")
  const token = yield* core.command("token", "create", admin, "--scope", "admin")
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

/** Where a package is heard of. */
const activated = (
  { ask }: Effect.Success<ReturnType<typeof started>>,
  id: string,
  programs: ReadonlyArray<Program.Program>
) =>
  Program.eventually(
    "its package is activated",
    Effect.map(
      ask("GET", `/api/admin/edge-packages/${id}`),
      Option.liftPredicate(({ text }) => text.includes(`"activated"`))
    ),
    { within: "2 minutes", programs }
  )

layer(TestDatabase.layer, { excludeTestServices: true, timeout: "60 seconds" })("An edge package", (it) => {
  it.effect("is all that a poller needs to report to its core over mTLS", () =>
    Effect.gen(function*() {
      const core = yield* started()
      const { ask, base, folder, grpc, program, transport } = core
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
        { within: "2 minutes", programs: [poller, program] }
      )
      assert.deepInclude(JSON.parse(heard.text), { poller_id: "edge-7", is_healthy: true })
      const told = yield* activated(core, package_id, [poller, program])
      const { activated_at, status } = JSON.parse(told.text)
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
    }), { timeout: 300_000 })

  it.effect("of an agent has what its poller knows it by", () =>
    Effect.gen(function*() {
      const core = yield* started()
      const { ask, base, folder, grpc, program, transport } = core
      /** Its folder, and its package. */
      const unpacked = Effect.fnUntraced(function*(body: Readonly<Record<string, string>>) {
        const made = yield* ask("POST", "/api/admin/edge-packages", { security_mode: "mtls", ...body })
        assert.strictEqual(made.status, 201, made.text)
        const { download_token, package: { component_id, package_id } } = JSON.parse(made.text)
        const fetched = yield* Effect.promise(() =>
          transport(`${base}/api/edge-packages/${package_id}/bundle?token=${download_token}`, {})
        )
        const home = path.join(folder, String(component_id))
        yield* Effect.promise(async () => {
          await fs.mkdir(home)
          await fs.writeFile(`${home}.tar.gz`, Buffer.from(await fetched.arrayBuffer()))
          await run("tar", ["-xzf", `${home}.tar.gz`, "-C", home])
        })
        return { home, id: String(package_id) }
      })
      /** As it is in the archive, run in its folder. */
      const begun = Effect.fnUntraced(function*(type: string, home: string, own: object) {
        const config = path.join(home, "config/config.json")
        const shipped = yield* decodeConfig(yield* Effect.promise(() => fs.readFile(config, "utf8")))
        yield* Effect.promise(() => fs.writeFile(config, JSON.stringify({ ...shipped, ...own })))
        return yield* Program.start([type, "--config", "config/config.json", "--http", "off"], { cwd: home })
      })
      const edge8 = yield* unpacked({ label: "Edge 8", metadata_json: JSON.stringify({ core_address: grpc }) })
      const a1 = yield* unpacked({ label: "a1", component_type: "agent", parent_id: "edge-8" })
      const port = yield* Program.freePort
      const agent = yield* begun("agent", a1.home, { listen_addr: `127.0.0.1:${port}` })
      const poller = yield* begun("poller", edge8.home, {
        listen_addr: `127.0.0.1:${yield* Program.freePort}`,
        poll_interval: "1s",
        agents: {
          a1: {
            address: `127.0.0.1:${port}`,
            security: {
              mode: "mtls",
              cert_dir: "certs",
              role: "poller",
              server_name: "a1.agent.serviceradar",
              tls: { cert_file: "component.pem", key_file: "component-key.pem", ca_file: "ca-chain.pem" }
            },
            checks: [{ service_type: "port", service_name: "itself", details: `127.0.0.1:${port}` }]
          }
        }
      })
      for (const { id } of [edge8, a1]) yield* activated(core, id, [poller, agent, program])
    }), { timeout: 300_000 })
})
