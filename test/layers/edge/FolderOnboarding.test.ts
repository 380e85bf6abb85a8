/** Certificates for the edge, of an authority in a folder. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, layer } from "@effect/vitest"
import { DateTime, Duration, Effect, Option, Redacted } from "effect"
import * as crypto from "node:crypto"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import * as FolderOnboarding from "../../../src/layers/edge/FolderOnboarding.ts"
import * as CertificateFolder from "../../../src/layers/security/CertificateFolder.ts"
import { EdgeOnboarding } from "../../../src/services/edge/EdgeOnboarding.ts"
import { temporaryFolder } from "../../support/temporaryFolder.ts"

const tokenLife = Duration.days(1)

const onboarding = (folder: Option.Option<string>) =>
  Effect.provide(EdgeOnboarding, FolderOnboarding.layer({ certificates: folder, tokenLife }))

layer(NodeServices.layer)("Certificates for the edge", (it) => {
  it.effect("are of the folder's authority, with one name and a key of their own, and are written nowhere", () =>
    Effect.gen(function*() {
      const folder = yield* temporaryFolder
      yield* CertificateFolder.init(folder, Duration.days(3650))
      const { certify } = yield* onboarding(Option.some(folder))
      const issue = yield* Effect.fromOption(certify)
      const one = yield* issue("edge-7.poller.serviceradar")
      const other = yield* issue("edge-7.poller.serviceradar")
      const certificate = new crypto.X509Certificate(one.cert)
      assert.isTrue(certificate.verify(new crypto.X509Certificate(one.ca).publicKey))
      assert.isTrue(certificate.checkPrivateKey(crypto.createPrivateKey(Redacted.value(one.key))))
      assert.strictEqual(certificate.subject, "O=ServiceRadar\nCN=edge-7.poller.serviceradar")
      assert.strictEqual(certificate.subjectAltName, "DNS:edge-7.poller.serviceradar")
      assert.strictEqual(certificate.validToDate.getTime(), DateTime.toEpochMillis(one.expiresAt))
      assert.notStrictEqual(Redacted.value(one.key), Redacted.value(other.key))
      assert.notInclude(String(one.key), "PRIVATE KEY")
      const files = yield* Effect.promise(() => fs.readdir(folder))
      assert.sameMembers(files, ["root.pem", "root-key.pem"])
    }))

  it.effect("are not issued without the authority's key, and say so without it", () =>
    Effect.gen(function*() {
      const folder = yield* temporaryFolder
      yield* CertificateFolder.init(folder, Duration.days(3650))
      yield* Effect.promise(() => fs.rm(path.join(folder, "root-key.pem")))
      const { certify } = yield* onboarding(Option.some(folder))
      const error = yield* Effect.flip(
        Effect.flatten(Effect.map(Effect.fromOption(certify), (issue) => issue("a.agent.serviceradar")))
      )
      assert.strictEqual(error._tag, "EdgeCertificatesError")
      assert.include(error.message, "root-key.pem")
    }))

  it.effect("are none where no folder is configured", () =>
    Effect.gen(function*() {
      const { certify } = yield* onboarding(Option.none())
      assert.isTrue(Option.isNone(certify))
    }))
})
