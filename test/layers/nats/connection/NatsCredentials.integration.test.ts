import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Logger, Option, Redacted, Stream } from "effect"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import { fileURLToPath } from "node:url"
import { NatsConnection } from "../../../../src/layers/nats/connection/NatsConnection.ts"
import * as NatsCredentials from "../../../../src/layers/nats/connection/NatsCredentials.ts"
import { Credentials } from "../../../../src/services/security/Credentials.ts"
import { authority, filesIn, write as renew } from "../../../support/authority.ts"
import * as natsAccounts from "../../../support/natsAccounts.ts"
import * as natsClient from "../../../support/natsClient.ts"
import * as natsServer from "../../../support/natsServer.ts"
import { secured } from "../../../support/secured.ts"
import { temporaryFolder } from "../../../support/temporaryFolder.ts"

type Options = NatsCredentials.NatsCredentialsOptions

const tlsFile = (name: string) => fileURLToPath(new URL(`../../../fixtures/tls/${name}`, import.meta.url))

const write = (name: string, text: string) =>
  Effect.gen(function*() {
    const file = path.join(yield* temporaryFolder, name)
    yield* Effect.promise(() => fs.writeFile(file, text))
    return file
  })

const quiet = Logger.layer([])

/** What becomes of the first attempt. */
const attempt = (url: string, credentials: Options) =>
  Effect.gen(function*() {
    const connection = yield* NatsConnection
    const [status] = yield* connection.changes.pipe(
      Stream.filter(({ _tag }) => _tag !== "Connecting"),
      Stream.take(1),
      Stream.runCollect,
      Effect.timeout("10 seconds")
    )
    if (status?._tag === "Connected") {
      const { jsm } = yield* natsClient.ready(connection)
      yield* Effect.promise(() => jsm.getAccountInfo())
      return "connected"
    }
    return status?._tag === "Away" ? `${status.isRefused ? "refused" : "away"}: ${status.detail}` : "nothing"
  }).pipe(Effect.provide(natsClient.layer(url, { credentials }).pipe(Layer.provideMerge(quiet))))

const byAddress = `tls { cert_file: ${JSON.stringify(tlsFile("address.pem"))}, key_file: ${
  JSON.stringify(tlsFile("address-key.pem"))
} }`

const tlsConfig = `tls { cert_file: ${JSON.stringify(tlsFile("agent.pem"))}, key_file: ${
  JSON.stringify(tlsFile("agent-key.pem"))
}, ca_file: ${JSON.stringify(tlsFile("root.pem"))}, verify: true }`

const mtls = {
  caFile: tlsFile("root.pem"),
  certFile: tlsFile("poller.pem"),
  keyFile: tlsFile("poller-key.pem")
}

describe("NatsCredentials", () => {
  it.live(
    "lets in by user and password, from the settings or the address, and not with a wrong password",
    () =>
      Effect.gen(function*() {
        const { port, url } = yield* natsServer.start({
          config: "authorization { user: writer, password: \"p@ss:w/rd\" }"
        })
        const password = Redacted.make("p@ss:w/rd")
        const inAddress = `nats://writer:${encodeURIComponent("p@ss:w/rd")}@127.0.0.1:${port}`

        assert.strictEqual(yield* attempt(url, { user: "writer", password }), "connected")
        assert.strictEqual(yield* attempt(inAddress, {}), "connected")
        assert.match(yield* attempt(url, {}), /^refused: .*authorization violation/i)
        assert.match(yield* attempt(url, { user: "writer", password: Redacted.make("other") }), /^refused/)
      }),
    60_000
  )

  it.live("lets in by token, from the settings or the address", () =>
    Effect.gen(function*() {
      const { port, url } = yield* natsServer.start({ config: "authorization { token: \"s3cr3t\" }" })

      assert.strictEqual(yield* attempt(url, { token: Redacted.make("s3cr3t") }), "connected")
      assert.strictEqual(yield* attempt(`nats://s3cr3t@127.0.0.1:${port}`, {}), "connected")
      assert.match(yield* attempt(url, { token: Redacted.make("other") }), /^refused/)
    }), 60_000)

  it.live("lets in by an nkey's seed, from a value or a file, before user and password", () =>
    Effect.gen(function*() {
      const { publicKey, seed } = natsAccounts.userKeys()
      const { url } = yield* natsServer.start({ config: `authorization { users = [{ nkey: ${publicKey} }] }` })
      const nkeySeedFile = yield* write("seed.nk", `${seed}\n`)

      assert.strictEqual(yield* attempt(url, { nkeySeed: Redacted.make(seed), user: "nobody" }), "connected")
      assert.strictEqual(yield* attempt(url, { nkeySeedFile }), "connected")
      assert.match(
        yield* attempt(url, { nkeySeed: Redacted.make(natsAccounts.userKeys().seed) }),
        /^refused/
      )
    }), 60_000)

  it.live(
    "lets in by a credentials file, or by JWT and seed, where accounts are the operator's",
    () =>
      Effect.gen(function*() {
        const accounts = natsAccounts.make()
        const { url } = yield* natsServer.start({ config: accounts.config })
        const credsFile = yield* write("writer.creds", accounts.creds)
        const [jwt, nkeySeed] = [Redacted.make(accounts.userJwt), Redacted.make(accounts.seed)]

        assert.strictEqual(yield* attempt(url, { credsFile, user: "nobody" }), "connected")
        assert.strictEqual(yield* attempt(url, { jwt, nkeySeed }), "connected")
        assert.match(yield* attempt(url, { nkeySeed }), /^refused/)
        assert.match(yield* attempt(url, { jwt }), /^refused: .*needs the nkey seed/)
      }),
    60_000
  )

  it.live("lets in by certificates of both sides, whose names are verified", () =>
    Effect.gen(function*() {
      const { port, url } = yield* natsServer.start({ config: tlsConfig })

      assert.strictEqual(yield* attempt(url, { tls: { ...mtls, serverName: "agent.serviceradar" } }), "connected")
      assert.strictEqual(yield* attempt(`tls://localhost:${port}`, { tls: mtls }), "connected")
      assert.strictEqual(yield* attempt(url, { tls: mtls }), "connected")
      assert.match(
        yield* attempt(url, { tls: { ...mtls, serverName: "poller.serviceradar" } }),
        /^refused: .*altnames/i
      )
      assert.match(
        yield* attempt(url, { tls: { ...mtls, caFile: tlsFile("other-root.pem") } }),
        /^refused: .*certificate/
      )
      assert.match(
        yield* attempt(url, {
          tls: { ...mtls, certFile: tlsFile("stranger.pem"), keyFile: tlsFile("stranger-key.pem") }
        }),
        /^(refused|away)/
      )
    }), 60_000)

  it.live("verifies the address of a server that has no name", () =>
    Effect.gen(function*() {
      const { port, url } = yield* natsServer.start({ config: byAddress })
      const caFile = tlsFile("address.pem")

      assert.strictEqual(yield* attempt(url, { tls: { caFile } }), "connected")
      assert.match(yield* attempt(`tls://localhost:${port}`, { tls: { caFile } }), /^refused/)
    }), 60_000)

  it.live("does not speak in the clear where certificates are configured", () =>
    Effect.gen(function*() {
      const { url } = yield* natsServer.start()

      assert.match(yield* attempt(url, { tls: mtls }), /does not support 'tls'/)
      assert.match(yield* attempt(url.replace("nats:", "tls:"), {}), /does not support 'tls'/)
    }), 60_000)

  it.live("tells of a renewed certificate also where the roots are those of the system", () =>
    Effect.gen(function*() {
      const folder = yield* temporaryFolder
      const ca = authority()
      const { certFile, keyFile } = filesIn(folder, "core")
      const address = { isTls: true, login: Option.none() }
      const [first, second] = [ca.issue(), ca.issue()]
      const load = NatsCredentials.load({ tls: { certFile, keyFile } }, address)
      yield* Effect.promise(() => renew(folder, "core", first, ca.root))
      const { options, renewals } = yield* load
      const renewed = yield* Effect.forkScoped(Stream.runHead(renewals))
      yield* Effect.forkScoped(Credentials.use(({ keep }) => keep))

      yield* Effect.promise(() => renew(folder, "core", second, ca.root))
      yield* Effect.timeout(Fiber.join(renewed), "10 seconds")

      assert.deepStrictEqual(options.tls, { cert: first.cert, key: first.key, minVersion: "TLSv1.3" })
      assert.deepStrictEqual((yield* load).options.tls, { cert: second.cert, key: second.key, minVersion: "TLSv1.3" })
    }).pipe(Effect.scoped, Effect.provide(secured)))

  it.live(
    "connects anew when roots change that stand alone, and not by roots that are none",
    () =>
      Effect.gen(function*() {
        const root = yield* Effect.promise(() => fs.readFile(tlsFile("root.pem"), "utf8"))
        const other = yield* Effect.promise(() => fs.readFile(tlsFile("other-root.pem"), "utf8"))
        const caFile = yield* write("ca.pem", root)
        const { port } = yield* natsServer.start({
          config: `tls { cert_file: ${JSON.stringify(tlsFile("agent.pem"))}, key_file: ${
            JSON.stringify(tlsFile("agent-key.pem"))
          } }`
        })
        yield* Effect.gen(function*() {
          const connection = yield* NatsConnection
          const first = yield* natsClient.ready(connection)
          yield* Effect.promise(() => fs.writeFile(caFile, "no roots"))
          // Longer than a change takes to be seen.
          yield* Effect.sleep("1 second")
          assert.strictEqual(yield* natsClient.ready(connection), first)
          yield* Effect.promise(() => fs.writeFile(caFile, other + root))
          yield* natsClient.eventually(natsClient.ready(connection), (client) => client !== first)
          yield* Effect.promise(() => fs.writeFile(caFile, other))
          const away = connection.changes.pipe(Stream.filter(({ _tag }) => _tag === "Away"), Stream.runHead)
          const status = yield* Effect.timeout(away, "10 seconds")
          assert.match(Option.getOrUndefined(status)?._tag === "Away" ? JSON.stringify(status) : "", /certificate/)
        }).pipe(
          Effect.provide(
            natsClient.layer(`tls://localhost:${port}`, { credentials: { tls: { caFile } } }).pipe(
              Layer.provideMerge(quiet)
            )
          )
        )
      }),
    60_000
  )

  it.effect("names the file that cannot be used, and why", () =>
    Effect.gen(function*() {
      const address = { isTls: false, login: Option.none() }
      const noCreds = yield* write("no.creds", "nothing of the kind")
      const noSeed = yield* write("no.nk", "SUABC")
      const failures: ReadonlyArray<readonly [Options, string]> = [
        [{ credsFile: "/nowhere/at.creds" }, "/nowhere/at.creds: cannot be read: there is no such file (ENOENT)"],
        [{ credsFile: noCreds }, `${noCreds}: holds no valid JWT and nkey seed`],
        [{ nkeySeedFile: noSeed }, `${noSeed}: holds no valid nkey seed`],
        [{ nkeySeed: Redacted.make("SUABC") }, "NATS credentials: holds no valid nkey seed"],
        [{ tls: { caFile: noCreds } }, `${noCreds}: holds no PEM block`],
        [{ tls: { certFile: mtls.certFile } }, `${mtls.certFile}: a certificate and its key go together`],
        [{ tls: { ...mtls, keyFile: tlsFile("agent-key.pem") } }, `${tlsFile("agent-key.pem")}: `]
      ]

      for (const [options, expected] of failures) {
        const error = yield* Effect.flip(NatsCredentials.load(options, address))
        assert.include(error.message, expected)
      }
    }).pipe(Effect.provide(secured)))

  it.live("asks slowly while it is refused, and goes in after the file was put right", () =>
    Effect.gen(function*() {
      const { publicKey, seed } = natsAccounts.userKeys()
      const { url } = yield* natsServer.start({ config: `authorization { users = [{ nkey: ${publicKey} }] }` })
      const nkeySeedFile = yield* write("seed.nk", natsAccounts.userKeys().seed)
      let refusals = 0
      yield* Effect.gen(function*() {
        const connection = yield* NatsConnection
        yield* Effect.forkScoped(
          Stream.runForEach(connection.changes, ({ _tag }) => Effect.sync(() => _tag === "Away" ? refusals++ : 0))
        )
        yield* natsClient.eventually(Effect.sync(() => refusals), (count) => count === 1)
        yield* Effect.promise(() => fs.writeFile(nkeySeedFile, seed))

        yield* natsClient.ready(connection)

        assert.strictEqual(refusals, 1)
      }).pipe(
        Effect.scoped,
        Effect.provide(natsClient.layer(url, { credentials: { nkeySeedFile } }).pipe(Layer.provideMerge(quiet)))
      )
    }), 60_000)
})
