/** Signing in to a core that browsers reach over HTTPS: its cookies go nowhere else. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as http from "node:http"
import { authority, write } from "../../support/authority.ts"
import * as Browser from "../../support/browser.ts"
import * as Program from "../../support/Program.ts"
import * as SignedInCore from "../../support/signedInCore.ts"
import { temporaryFolder } from "../../support/temporaryFolder.ts"
import { TestDatabase } from "../../support/TestDatabase.ts"

const password = "correct horse battery staple"
const bcrypt = "$2a$05$abcdefghijklmnopqrstuuFiPhXf1sVd3pCCRO.uVh34H/qI/ZsuS"

const plain = (port: number) =>
  Effect.callback<string>((resume) => {
    const request = http.get(
      { host: "127.0.0.1", port, path: "/auth/sign-in" },
      () => resume(Effect.succeed("answered"))
    )
    request.on("error", () => resume(Effect.succeed("refused")))
    return Effect.sync(() => request.destroy())
  })

describe("A core that browsers reach over HTTPS", () => {
  it.live(
    "gives cookies that no page of another host sets and no plain connection carries",
    () =>
      Effect.gen(function*() {
        const ca = authority()
        const folder = yield* temporaryFolder
        yield* Effect.promise(() => write(folder, "core", ca.issue({ commonName: "core.serviceradar" }), ca.root))
        const port = yield* Program.freePort
        const base = `https://127.0.0.1:${port}`
        const security = {
          mode: "mtls",
          cert_dir: folder,
          server_name: "core.serviceradar",
          role: "core",
          tls: { cert_file: "core.pem", key_file: "core-key.pem", ca_file: "root.pem", client_ca_file: "root.pem" }
        }
        yield* SignedInCore.start({
          port,
          base,
          transport: Browser.trusting(ca.root),
          auth: { public_url: base, local_users: { ada: bcrypt } },
          more: { security },
          env: { SERVICERADAR_HTTP_TLS: "true" }
        })
        const browser = Browser.open(base, Browser.trusting(ca.root))
        const page = yield* browser.get("/auth/sign-in")
        assert.strictEqual(page.status, 200)
        assert.match(page.headers.get("strict-transport-security") ?? "", /max-age=\d+/)
        const done = yield* browser.submit(page, "/auth/sign-in", { name: "ada", password })
        assert.strictEqual(done.status, 303, done.text)
        const [cookie = ""] = done.headers.getSetCookie().filter((line) => line.includes("session="))
        assert.match(
          cookie,
          /^__Host-serviceradar_session=[^;]+; Max-Age=2592000; Path=\/; HttpOnly; Secure; SameSite=Lax$/
        )
        assert.include((yield* browser.get("/auth/account")).text, "<dd>ada</dd>")
        assert.strictEqual((yield* browser.get("/api/v2/devices")).status, 200)
        // The name without the promise that it is ours alone is somebody else's.
        const session = browser.cookies.get("__Host-serviceradar_session") ?? ""
        browser.cookies.clear()
        browser.cookies.set("serviceradar_session", session)
        assert.strictEqual((yield* browser.get("/api/v2/devices")).status, 401)
        assert.strictEqual(yield* plain(port), "refused")
      }).pipe(Effect.provide(TestDatabase.layer)),
    90_000
  )
})
