/** `tls` against Node, nginx, PostgreSQL and mail servers, with certificates of a CA of the test's own. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import * as tls from "node:tls"
import { authority, validFor } from "../../../support/authority.ts"
import { withPeer } from "../../../support/peers.ts"
import * as SecuredPostgres from "../../../support/securedPostgres.ts"
import { temporaryFolder } from "../../../support/temporaryFolder.ts"
import { listening, portOf, probe } from "../probing.ts"
import * as MailServers from "./mailServers.ts"
import * as Nginx from "./nginx.ts"

const day = 24 * 3_600_000

/** A CA with its root in a file, as `caFile` wants it. */
const trusted = Effect.gen(function*() {
  const folder = yield* temporaryFolder
  const made = authority("Trial root")
  const caFile = path.join(folder, "root.pem")
  yield* Effect.promise(() => fs.writeFile(caFile, made.root))
  return { ...made, caFile, folder }
})

const secure = (options: tls.TlsOptions) =>
  Effect.map(
    listening(() => tls.createServer(options, (socket) => socket.on("error", () => {}))),
    (server) => `127.0.0.1:${portOf(server)}`
  )

const check = (details: object) => probe("tls", JSON.stringify(details))

describe("TlsProbe", () => {
  it.live("shows the chain of a server that is to be trusted, and how long it lasts", () =>
    Effect.gen(function*() {
      const { caFile, issue } = yield* trusted
      const address = yield* secure({ ...issue({ commonName: "web.test" }, validFor(-day, 20 * day + 60_000)) })

      const result = yield* check({ address, caFile })

      assert.isTrue(result.available, result.message)
      assert.deepInclude(result.document, {
        host: "127.0.0.1",
        address: "127.0.0.1",
        tls_version: "TLSv1.3",
        tls_expiry_days: 20,
        tls_subject: "web.test",
        tls_issuer: "Trial root",
        trusted: true
      })
      assert.deepInclude(result.document["chain"], {
        subject: "web.test",
        issuer: "Trial root",
        days: 20,
        names: "DNS:localhost, DNS:web.test, IP Address:127.0.0.1",
        not_before: new Date(Date.parse(String(result.document["tls_not_after"])) - 21 * day - 60_000).toISOString(),
        not_after: String(result.document["tls_not_after"])
      })
      assert.hasAllKeys(result.document["timings"], ["dns", "connect", "tls", "total"])
    }).pipe(Effect.scoped))

  it.live("says what is wrong with a certificate and shows it all the same", () =>
    Effect.gen(function*() {
      const { caFile, issue } = yield* trusted
      const expired = yield* secure({ ...issue({}, validFor(-2 * day, 60_000 - day)) })
      const soon = yield* secure({ ...issue({}, validFor(-day, 3 * day + 60_000)) })
      const good = yield* secure({ ...issue() })

      const results = yield* Effect.all([
        check({ address: expired, caFile }),
        check({ address: soon, caFile, certDaysMin: 14 }),
        check({ address: good, caFile, serverName: "other.test" }),
        check({ address: good }),
        check({ address: good, insecureSkipVerify: true })
      ])

      assert.deepStrictEqual(results.map(({ document }) => document["error"]), [
        "certificate has expired",
        "certificate agent.serviceradar expires in 3 days, at least 14 are expected",
        "certificate is for another name: it has DNS:localhost, DNS:agent.serviceradar, IP Address:127.0.0.1",
        "certificate is not signed by a trusted authority",
        undefined
      ])
      assert.deepStrictEqual(results.map(({ document }) => document["trusted"]), [false, true, false, false, false])
      assert.deepStrictEqual(results.map(({ document }) => document["tls_expiry_days"]), [
        -1,
        3,
        results[2].document["tls_expiry_days"],
        results[2].document["tls_expiry_days"],
        results[2].document["tls_expiry_days"]
      ])
      assert.isTrue(results[4].available)
    }).pipe(Effect.scoped))

  it.live("wants the version and the protocol that it is told", () =>
    Effect.gen(function*() {
      const { caFile, issue } = yield* trusted
      const old = yield* secure({
        ...issue(),
        minVersion: "TLSv1",
        maxVersion: "TLSv1.1",
        ciphers: "DEFAULT@SECLEVEL=0"
      })
      const h2 = yield* secure({ ...issue(), ALPNProtocols: ["h2"] })
      const none = yield* secure({ ...issue() })

      const refused = yield* check({ address: old, caFile })
      const accepted = yield* check({ address: old, caFile, minVersion: "TLSv1" })
      const agreed = yield* check({ address: h2, caFile, alpn: "h2" })
      const missing = yield* check({ address: none, caFile, alpn: "h2" })

      assert.match(refused.message, /share no version of TLS/)
      assert.deepInclude(accepted.document, { tls_version: "TLSv1.1", trusted: true })
      assert.deepInclude(agreed.document, { alpn: "h2" })
      assert.deepInclude(missing.document, { error: "the server does not speak h2 above TLS" })
    }).pipe(Effect.scoped))

  withPeer(
    Nginx.missing,
    "reads nginx's certificate, version and protocol, and its JSON by path",
    () =>
      Effect.gen(function*() {
        const { caFile, issue } = yield* trusted
        const address = yield* Nginx.start(issue({ commonName: "nginx.test" }))

        const result = yield* check({ address, caFile, alpn: "h2" })
        const json = yield* probe(
          "http",
          JSON.stringify({
            url: `https://${address}/health`,
            caFile,
            jsonPath: { "$.status": "ok", "$.checks[0]": { name: "db", up: true } }
          })
        )

        assert.isTrue(result.available, result.message)
        assert.deepInclude(result.document, { tls_version: "TLSv1.2", tls_subject: "nginx.test", alpn: "h2" })
        assert.isTrue(json.available, json.message)
        assert.deepInclude(json.document, { tls_version: "TLSv1.2", body_matched: true })
      })
  )

  it.live("asks SMTP, IMAP and PostgreSQL for TLS in their own words", () =>
    Effect.gen(function*() {
      const { caFile, issue, root } = yield* trusted
      const issued = issue({ commonName: "mail.test" })
      const postgres = yield* SecuredPostgres.start(issue({ commonName: "db.test" }), root)

      const smtp = yield* check({
        address: `127.0.0.1:${portOf(yield* MailServers.smtp(issued))}`,
        startTls: "smtp",
        caFile
      })
      const imap = yield* check({
        address: `127.0.0.1:${portOf(yield* MailServers.imap(issued))}`,
        startTls: "imap",
        caFile
      })
      const database = yield* check({ address: `127.0.0.1:${postgres.port}`, startTls: "postgres", caFile })

      assert.deepStrictEqual(
        [smtp, imap, database].map(({ available, document }) => [available, document["tls_subject"]]),
        [[true, "mail.test"], [true, "mail.test"], [true, "db.test"]]
      )
      assert.hasAllKeys(smtp.document["timings"], ["dns", "connect", "starttls", "tls", "total"])
    }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)), 60_000)

  it.live("says when a server does not offer TLS, or speaks another protocol", () =>
    Effect.gen(function*() {
      const { issue } = yield* trusted
      const plain = `127.0.0.1:${portOf(yield* MailServers.smtp(issue(), ["SIZE 1000"]))}`
      const mail = `127.0.0.1:${portOf(yield* MailServers.imap(issue()))}`

      const results = yield* Effect.all([
        check({ address: plain, startTls: "smtp" }),
        check({ address: mail, startTls: "smtp" }),
        check({ address: plain, startTls: "imap" }),
        check({ address: mail, startTls: "postgres" }),
        check({ address: plain })
      ])

      assert.deepStrictEqual(
        results.map(({ document }) => String(document["error"]).replace(/^TLS check of 127\.0\.0\.1:\d+ failed: /, "")),
        [
          "the server does not offer STARTTLS",
          "the server answers \"* OK [CAPABILITY IMAP4rev1 STARTTLS] ready\", expected 220 of SMTP",
          "the server answers \"220-mail.test ESMTP\", expected \"* OK\" of IMAP",
          "the server answers \"* OK [CAPABILITY IMAP4rev1 STARTTLS] ready\", expected \"S\" of PostgreSQL",
          "the server does not speak TLS on this port"
        ]
      )
    }).pipe(Effect.scoped))

  it.live("refuses plain text that comes along with the go-ahead", () =>
    Effect.gen(function*() {
      const { issue } = yield* trusted
      const address = `127.0.0.1:${portOf(yield* MailServers.smtp(issue(), ["STARTTLS"], "250 injected\r\n"))}`

      const result = yield* check({ address, startTls: "smtp", insecureSkipVerify: true })

      assert.include(result.message, "expected nothing more before the handshake")
    }).pipe(Effect.scoped))
})
