/** Packages through the v1 API of a core that has an authority: made, listed, fetched once, revoked, deleted, and each told. */
import { assert, layer } from "@effect/vitest"
import { Effect, Option } from "effect"
import * as crypto from "node:crypto"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import * as Program from "../support/Program.ts"
import { differences, type Shape } from "../support/shapes.ts"
import * as SignedInCore from "../support/signedInCore.ts"
import { temporaryFolder } from "../support/temporaryFolder.ts"
import { TestDatabase } from "../support/TestDatabase.ts"

const home = "/api/admin/edge-packages"

const issued: Readonly<Record<string, Shape>> = {
  package_id: "<filled>",
  label: "Edge 7",
  component_id: "edge-7",
  component_type: "poller",
  poller_id: "edge-7",
  status: "issued",
  downstream_spiffe_id: "",
  join_token_expires_at: "<time>",
  download_token_expires_at: "<time>",
  created_by: "admin@example.org",
  created_at: "<time>",
  updated_at: "<time>",
  metadata_json: `{"core_address":"core.example.org:50052","security_mode":"mtls"}`,
  security_mode: "mtls"
}

const bundle: Shape = {
  ca_cert_pem: "<filled>",
  client_cert_pem: "<filled>",
  client_key_pem: "<filled>",
  endpoints: { core: "core.example.org:50052" },
  server_name: "core.serviceradar",
  generated_at: "<time>",
  expires_at: "<time>"
}

const problem = (status: number, message: string) => [status, { status, message }] as const

interface Bundle {
  readonly ca_cert_pem: string
  readonly client_cert_pem: string
  readonly client_key_pem: string
}

/** As whoever sets up the poller reads it. */
const nameIn = ({ ca_cert_pem, client_cert_pem, client_key_pem }: Bundle) => {
  const certificate = new crypto.X509Certificate(client_cert_pem)
  const authority = new crypto.X509Certificate(ca_cert_pem)
  assert.isTrue(certificate.checkIssued(authority) && certificate.verify(authority.publicKey))
  assert.isTrue(certificate.checkPrivateKey(crypto.createPrivateKey(client_key_pem)))
  assert.isFalse(certificate.ca)
  return { subject: certificate.subject, names: certificate.subjectAltName }
}

const edge7 = {
  label: "Edge 7",
  security_mode: "mtls",
  metadata_json: JSON.stringify({ core_address: "core.example.org:50052" })
}

/** A core with an authority and an admin, and how it is asked. */
const started = Effect.fnUntraced(function*() {
  const folder = yield* temporaryFolder
  const certificates = path.join(folder, "certs")
  const made = yield* Program.start(["certs", "init", "--dir", certificates], {})
  assert.strictEqual(yield* made.exited, 0, made.output())
  const core = yield* SignedInCore.start({ more: { edge_onboarding: { enabled: true, cert_dir: certificates } } })
  yield* core.command("user", "add", "admin@example.org", "--role", "admin")
  const token = yield* core.command("token", "create", "admin@example.org", "--scope", "admin")
  const ask = (method: string, at: string, body?: unknown, headers: Readonly<Record<string, string>> = {}) =>
    Effect.promise(async (signal) => {
      const response = await fetch(`${core.base}${at}`, {
        signal,
        method,
        headers: { authorization: `Bearer ${token}`, ...headers },
        ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) })
      })
      const text = await response.text()
      const isJson = response.headers.get("content-type")?.includes("json") === true
      return [response.status, isJson ? JSON.parse(text) : text] as const
    })
  /** Without a sign-in. */
  const fetched = (id: string, body: unknown, format = "?format=json") =>
    ask("POST", `${home}/${id}/download${format}`, body, { authorization: "" })
  return { ...core, certificates, ask, fetched }
})

layer(TestDatabase.layer, { excludeTestServices: true, timeout: "60 seconds" })("Edge packages by the v1 API", (it) => {
  it.effect("go from their making to their end", () =>
    Effect.gen(function*() {
      const { ask, certificates, command, fetched, program } = yield* started()

      assert.deepStrictEqual(yield* ask("GET", home), [200, []])
      assert.deepStrictEqual(yield* ask("POST", home, "{"), problem(400, "invalid JSON payload"))
      assert.deepStrictEqual(yield* ask("POST", home, {}), problem(400, "label is required"))
      assert.deepStrictEqual(
        yield* ask("POST", home, { label: "x", component_id: "a.b", security_mode: "mtls" }),
        problem(
          400,
          "edge onboarding: invalid request: component_id must be 1 to 43 lower-case letters, digits and dashes"
        )
      )
      assert.deepStrictEqual(
        yield* ask("POST", home, { label: "x" }),
        problem(503, "SPIRE admin integration unavailable")
      )

      const [status, made] = yield* ask("POST", home, edge7)
      assert.strictEqual(status, 201, JSON.stringify(made))
      assert.deepStrictEqual(
        differences({
          package: issued,
          join_token: "",
          download_token: "<filled>",
          bundle_pem: "<filled>",
          mtls_bundle: bundle
        }, made),
        []
      )
      const id: string = made.package.package_id
      const download_token: string = made.download_token
      assert.match(download_token, /^[A-Za-z0-9_-]{32}$/)
      const poller = {
        subject: "O=ServiceRadar\nCN=edge-7.poller.serviceradar",
        names: "DNS:edge-7.poller.serviceradar"
      }
      assert.deepStrictEqual(nameIn(made.mtls_bundle), poller)
      assert.deepStrictEqual(
        yield* ask("POST", home, edge7),
        problem(409, "edge onboarding: poller already provisioned")
      )
      assert.deepStrictEqual(differences(issued, (yield* ask("GET", `${home}/${id}`))[1]), [])

      const agent = { label: "a1", component_type: "agent", parent_id: "edge-7", security_mode: "mtls" }
      assert.strictEqual((yield* ask("POST", home, agent))[0], 201)
      const listed = (query: string) =>
        Effect.map(
          ask("GET", `${home}?${query}`),
          ([, all]) => all.map(({ label }: { readonly label: string }) => label)
        )
      assert.deepStrictEqual(yield* listed(""), ["a1", "Edge 7"])
      assert.deepStrictEqual(yield* listed("limit=1"), ["a1"])
      assert.deepStrictEqual(yield* listed("component_type=poller"), ["Edge 7"])
      assert.deepStrictEqual(yield* listed("poller_id=edge-7"), ["a1", "Edge 7"])
      assert.deepStrictEqual(yield* listed("status=delivered&status=revoked"), [])
      assert.deepStrictEqual(yield* listed("status=delivered,issued"), ["a1", "Edge 7"])
      assert.deepStrictEqual(
        yield* ask("GET", `${home}?status=bogus`),
        problem(400, "unknown status bogus")
      )

      // Nothing that fails uses the token up.
      assert.deepStrictEqual(yield* fetched(id, {}), problem(400, "download_token is required"))
      assert.deepStrictEqual(yield* fetched(id, "{"), problem(400, "invalid JSON payload"))
      const invalid = problem(401, "edge onboarding: download token invalid")
      assert.deepStrictEqual(yield* fetched(id, { download_token: "x".repeat(32) }), invalid)
      assert.deepStrictEqual(yield* fetched(crypto.randomUUID(), { download_token }), invalid)
      assert.deepStrictEqual(yield* fetched("x", { download_token }), invalid)
      assert.deepStrictEqual(
        yield* fetched(id, { download_token }, ""),
        problem(400, "mTLS packages must be downloaded with format=json")
      )
      const authority = path.join(certificates, "root-key.pem")
      yield* Effect.promise(() => fs.rename(authority, `${authority}.away`))
      assert.deepStrictEqual(yield* fetched(id, { download_token }), problem(502, "failed to deliver edge package"))
      yield* Effect.promise(() => fs.rename(`${authority}.away`, authority))

      const all = yield* Effect.all(
        Array.from({ length: 5 }, () => fetched(id, { download_token })),
        { concurrency: "unbounded" }
      )
      const got = all.filter(([status]) => status === 200).map(([, answer]) => answer)
      assert.lengthOf(got, 1, JSON.stringify(all))
      const delivered = problem(409, "edge onboarding: package already delivered")
      assert.deepStrictEqual(all.filter(([status]) => status !== 200), Array.from({ length: 4 }, () => delivered))
      assert.deepStrictEqual(
        differences({
          package: { ...issued, status: "delivered", delivered_at: "<time>" },
          join_token: "",
          bundle_pem: "<filled>",
          mtls_bundle: bundle
        }, got[0]),
        []
      )
      assert.deepStrictEqual(nameIn(got[0].mtls_bundle), poller)
      assert.notStrictEqual(got[0].mtls_bundle.client_key_pem, made.mtls_bundle.client_key_pem)

      assert.deepStrictEqual(
        yield* ask("DELETE", `${home}/${id}`),
        problem(400, "edge onboarding: invalid request: package must be revoked before deletion")
      )
      const [revoked, told] = yield* ask("POST", `${home}/${id}/revoke`, { reason: "lost" })
      assert.strictEqual(revoked, 200, JSON.stringify(told))
      assert.deepInclude(told, { package_id: id, status: "revoked" })
      const again = problem(409, "edge onboarding: package revoked")
      assert.deepStrictEqual(yield* ask("POST", `${home}/${id}/revoke`), again)
      assert.deepStrictEqual(yield* fetched(id, { download_token }), again)
      const [deleted] = yield* ask("DELETE", `${home}/${id}`)
      assert.strictEqual(deleted, 204)
      assert.deepStrictEqual(yield* listed(""), ["a1"])
      assert.deepStrictEqual(yield* listed("status=deleted"), ["Edge 7"])
      // Its name is free again.
      assert.strictEqual((yield* ask("POST", home, edge7))[0], 201)

      const [, events] = yield* ask("GET", `${home}/${id}/events`)
      const event = { event_time: "<time>", actor: "admin@example.org" }
      assert.deepStrictEqual(
        events.map(({ event_type }: { readonly event_type: string }) => event_type),
        ["deleted", "revoked", "delivered", "issued"]
      )
      assert.deepStrictEqual(
        differences({ ...event, event_type: "revoked", details_json: `{"reason":"lost"}` }, events[1]),
        []
      )
      assert.deepStrictEqual(
        differences(
          { ...event, event_type: "delivered", actor: "edge-download@system", source_ip: "127.0.0.1" },
          events[2]
        ),
        []
      )
      const denied = yield* ask(
        "GET",
        `/api/v2/audit-entries?filter[record_key]=${id}&filter[outcome]=denied&fields[audit-entry]=actor_name,reason`
      )
      const reasons = denied[1].data.map(({ attributes }: { readonly attributes: { readonly reason: string } }) =>
        attributes.reason
      )
      assert.includeMembers(
        reasons,
        ["invalid", "delivered", "revoked"].map((reason) => `${reason} (from 127.0.0.1)`)
      )

      // Settings of a checker go to whoever makes it, or fetches it.
      const checker = {
        label: "c1",
        component_type: "checker",
        checker_kind: "sysmon",
        parent_id: "a1",
        checker_config_json: `{"password":"geheim"}`
      }
      const [checked, whole] = yield* ask("POST", home, checker)
      assert.strictEqual(checked, 201, JSON.stringify(whole))
      const kept = { checker_kind: "sysmon", checker_config_json: checker.checker_config_json, parent_type: "agent" }
      assert.deepInclude(whole.package, kept)
      const checkerId: string = whole.package.package_id
      assert.notInclude(JSON.stringify(yield* ask("GET", `${home}/${checkerId}`)), "geheim")
      const [, gone] = yield* fetched(checkerId, { download_token: whole.download_token })
      assert.deepInclude(gone.package, kept)
      assert.strictEqual(gone.mtls_bundle.server_name, "poller.serviceradar")

      // What is public of them holds nothing that is secret.
      const [shown, open] = yield* ask("GET", "/api/v2/edge-packages")
      assert.strictEqual(shown, 200)
      assert.lengthOf(open.data, 4)
      const hash = crypto.createHash("sha256").update(download_token).digest("hex")
      for (const secret of [download_token, hash, "token_hash", "geheim"]) {
        assert.notInclude(JSON.stringify(open), secret)
      }

      for (const [method, at] of [["GET", ""], ["DELETE", ""], ["GET", "/events"], ["POST", "/revoke"]] as const) {
        for (const none of ["x", crypto.randomUUID()]) {
          assert.deepStrictEqual(
            yield* ask(method, `${home}/${none}${at}`),
            problem(502, "failed to fetch package"),
            `${method} ${none}${at}`
          )
        }
      }

      // To another tenant, and within a partition, it is as if there were none.
      yield* command("tenant", "add", "acme")
      yield* command("user", "add", "admin@acme.example", "--role", "admin", "--tenant", "acme")
      const theirs = yield* command("token", "create", "admin@acme.example", "--scope", "admin")
      const off = problem(503, "Edge onboarding service is disabled")
      for (const headers of [{ authorization: `Bearer ${theirs}` }, { "x-partition-id": "default" }]) {
        assert.deepStrictEqual(yield* ask("POST", home, edge7, headers), off)
        assert.deepStrictEqual(yield* ask("GET", home, undefined, headers), problem(502, "failed to list packages"))
        assert.deepStrictEqual(
          yield* ask("GET", `${home}/${id}`, undefined, headers),
          problem(502, "failed to fetch package")
        )
      }

      const [, brief] = yield* ask("POST", home, { ...edge7, component_id: "brief", download_token_ttl_seconds: 1 })
      const briefId: string = brief.package.package_id
      yield* Program.eventually(
        "its time is over",
        Effect.map(ask("GET", `${home}?status=expired`), Option.liftPredicate(([, all]) => all.length === 1)),
        { within: "20 seconds", programs: [program] }
      )
      assert.deepStrictEqual(
        yield* fetched(briefId, { download_token: brief.download_token }),
        problem(410, "edge onboarding: download token expired")
      )
      assert.strictEqual((yield* ask("DELETE", `${home}/${briefId}`))[0], 204)
    }), { timeout: 90_000 })
})
