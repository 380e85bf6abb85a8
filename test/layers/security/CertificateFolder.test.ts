import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect } from "effect"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import * as tls from "node:tls"
import * as CertificateFolder from "../../../src/layers/security/CertificateFolder.ts"
import * as CertificateReport from "../../../src/layers/security/CertificateReport.ts"
import { authority, validFor, write } from "../../support/authority.ts"
import { temporaryFolder } from "../../support/temporaryFolder.ts"

const life = Duration.days(10)

const prepared = Effect.gen(function*() {
  const folder = path.join(yield* temporaryFolder, "certs")
  yield* CertificateFolder.init(folder, life)
  yield* CertificateFolder.issue(folder, "poller", { hosts: ["10.0.0.5", "edge.example"], life })
  return folder
})

const modeOf = (file: string) => Effect.promise(async () => ((await fs.stat(file)).mode & 0o777).toString(8))

describe("CertificateFolder", () => {
  it.live("makes certificates that the programs take and that carry the names of the reference", () =>
    Effect.gen(function*() {
      const folder = yield* prepared

      const verdicts = yield* CertificateReport.verify(folder)
      const [leaf] = yield* CertificateReport.show(path.join(folder, "poller.pem"))
      const [root] = yield* CertificateReport.show(path.join(folder, "root.pem"))

      assert.deepStrictEqual(verdicts.map(({ name, problem }) => [name, problem]), [["poller.serviceradar", ""]])
      assert.strictEqual(leaf?.subject, "CN=poller.serviceradar, O=ServiceRadar")
      assert.includeMembers([...leaf?.names ?? []], [
        "poller.serviceradar",
        "10.0.0.5",
        "edge.example",
        "127.0.0.1",
        "::1"
      ])
      assert.deepStrictEqual([leaf?.isCa, leaf?.keyMatches, leaf?.chains], [false, true, true])
      assert.strictEqual(root?.isCa, true)
      assert.deepStrictEqual(
        yield* Effect.forEach(
          ["poller-key.pem", "root-key.pem", "poller.pem"],
          (file) => modeOf(path.join(folder, file))
        ),
        ["600", "600", "644"]
      )
    }).pipe(Effect.provide(NodeServices.layer)))

  it.live("makes certificates that TLS verifies on both sides", () =>
    Effect.gen(function*() {
      const folder = yield* prepared
      const read = (file: string) => fs.readFile(path.join(folder, file))
      const pems = yield* Effect.promise(async () => ({
        ca: await read("root.pem"),
        cert: await read("poller.pem"),
        key: await read("poller-key.pem")
      }))
      const outcome = yield* Effect.callback<string>((resume) => {
        const server = tls.createServer({ ...pems, requestCert: true, rejectUnauthorized: true }, (socket) => {
          resume(Effect.succeed(String(socket.getPeerCertificate().subject.CN)))
          socket.destroy()
        })
        server.listen(0, "127.0.0.1", () => {
          const address = server.address()
          const port = typeof address === "object" && address !== null ? address.port : 0
          tls.connect({ ...pems, port, host: "127.0.0.1", servername: "poller.serviceradar" }).on("error", (error) =>
            resume(Effect.succeed(error.message)))
        })
        return Effect.sync(() =>
          server.close()
        )
      }).pipe(Effect.timeout("10 seconds"))

      assert.strictEqual(outcome, "poller.serviceradar")
    }).pipe(Effect.provide(NodeServices.layer)))

  it.live("never replaces a CA, and names what it would have made worthless", () =>
    Effect.gen(function*() {
      const folder = yield* prepared

      const error = yield* Effect.flip(CertificateFolder.init(folder, life))

      assert.include(error.message, "root.pem: is there already")
    }).pipe(Effect.provide(NodeServices.layer)))

  it.live("says of each certificate why a program would refuse it", () =>
    Effect.gen(function*() {
      const folder = yield* prepared
      yield* CertificateFolder.issue(folder, "agent", { hosts: [], life })
      yield* CertificateFolder.issue(folder, "core", { hosts: [], life })
      yield* Effect.promise(async () => {
        await fs.copyFile(path.join(folder, "core-key.pem"), path.join(folder, "agent-key.pem"))
        await fs.chmod(path.join(folder, "core-key.pem"), 0o604)
      })

      const verdicts = yield* CertificateReport.verify(folder)

      assert.match(verdicts[0]?.problem ?? "", /agent-key\.pem: key values mismatch/)
      assert.match(
        verdicts[1]?.problem ?? "",
        /core-key\.pem: every user of this machine may read this key \(mode 0604\)/
      )
      assert.strictEqual(verdicts[2]?.problem, "")
    }).pipe(Effect.provide(NodeServices.layer)))

  it.live("marks what a program would take, and warn of", () =>
    Effect.gen(function*() {
      const day = 86_400_000
      const folder = yield* temporaryFolder
      const ca = authority("Test root", validFor(-300 * day, 300 * day))
      yield* Effect.promise(async () => {
        await write(folder, "agent", ca.issue({}, validFor(-300 * day, 6 * day)), ca.root)
        await write(folder, "poller", ca.issue({}, validFor(-300 * day, 60 * day)), ca.root)
      })

      const verdicts = yield* CertificateReport.verify(folder)

      assert.deepStrictEqual(
        verdicts.map(({ file, problem, warning }) => [path.basename(file), problem, warning]),
        [["agent.pem", "", "expires within 7 days"], ["poller.pem", "", ""]]
      )
    }).pipe(Effect.provide(NodeServices.layer)))

  it.live("shows nothing of what is no file, or without end", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(CertificateReport.show("/dev/zero"))

      assert.strictEqual(error.message, "/dev/zero: it is no file but a CharacterDevice")
    }).pipe(Effect.provide(NodeServices.layer)))

  it.live("does not issue with a key that is not that of the CA", () =>
    Effect.gen(function*() {
      const folder = yield* prepared
      yield* Effect.promise(() => fs.copyFile(path.join(folder, "poller-key.pem"), path.join(folder, "root-key.pem")))

      const error = yield* Effect.flip(CertificateFolder.issue(folder, "agent", { hosts: [], life }))

      assert.include(error.message, "root-key.pem: is not the key of root.pem")
    }).pipe(Effect.provide(NodeServices.layer)))
})
