import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Exit, Layer, Option, Schedule } from "effect"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import { names, type SecurityEvent } from "../../../src/domain/security/SecurityEvent.ts"
import * as LiveCredentials from "../../../src/layers/security/LiveCredentials.ts"
import { type CredentialOrigin, Credentials } from "../../../src/services/security/Credentials.ts"
import { SecurityMonitor } from "../../../src/services/security/SecurityMonitor.ts"
import { type Authority, authority, filesIn, type Issued, validFor, write } from "../../support/authority.ts"
import { temporaryFolder } from "../../support/temporaryFolder.ts"

const day = 86_400_000

const monitor = (events: Array<SecurityEvent>) =>
  Layer.succeed(SecurityMonitor, {
    record: (event) => Effect.sync(() => void events.push(event)),
    warnOfPlainText: () => Effect.void,
    summary: Effect.die("not asked for"),
    keep: Effect.never
  })

const credentials = (events: Array<SecurityEvent>, options: LiveCredentials.CredentialsOptions = {}) =>
  LiveCredentials.layer(options).pipe(Layer.provideMerge(monitor(events)), Layer.provideMerge(NodeServices.layer))

const origin = (folder: string): CredentialOrigin => ({
  _tag: "Files",
  files: filesIn(folder, "agent"),
  isSvid: false,
  isRooted: true
})

const until = (condition: () => boolean) =>
  Effect.suspend(() => condition() ? Effect.void : Effect.fail("not yet")).pipe(
    Effect.retry(Schedule.spaced("20 millis")),
    Effect.timeout("10 seconds")
  )

const opened = Effect.fnUntraced(function*(folder: string) {
  const service = yield* Credentials
  yield* Effect.forkScoped(service.keep)
  const source = yield* service.open(origin(folder))
  return { source, serial: () => Option.getOrThrow(source.current()).serialNumber }
})

const kinds = (events: ReadonlyArray<SecurityEvent>) => events.map(({ _tag }) => names[_tag])

const prepare = Effect.fnUntraced(function*(ca: Authority, issued: Issued) {
  const folder = yield* temporaryFolder
  yield* Effect.promise(() => write(folder, "agent", issued, ca.root))
  return folder
})

describe("LiveCredentials, from files", () => {
  it.live("takes a renewed set as one, and tells of it", () => {
    const events: Array<SecurityEvent> = []
    const ca = authority()
    return Effect.gen(function*() {
      const folder = yield* prepare(ca, ca.issue())
      const { serial, source } = yield* opened(folder)
      const before = serial()
      const heard: Array<string> = []
      source.onChange(() => heard.push(serial()))
      source.onChange(() => heard.push("nobody"))()

      yield* Effect.promise(() => write(folder, "agent", ca.issue(), ca.root))
      yield* until(() => heard.length > 0)

      assert.notStrictEqual(serial(), before)
      assert.deepStrictEqual(heard, [serial()])
      assert.deepStrictEqual(kinds(events), ["certificate_rotated"])
      assert.strictEqual(Option.getOrThrow(source.current()).identity.commonName, "agent.serviceradar")
    }).pipe(Effect.provide(credentials(events)))
    // A busy machine can come between two of the three files for longer than a set is waited for.
  }, { retry: 2 })

  it.live("finds a renewal that no folder told of", () => {
    const events: Array<SecurityEvent> = []
    const ca = authority()
    return Effect.gen(function*() {
      const real = yield* prepare(ca, ca.issue())
      const next = yield* prepare(ca, ca.issue())
      const folder = yield* temporaryFolder
      const link = path.join(folder, "certs")
      yield* Effect.promise(() => fs.symlink(real, link))
      const { serial } = yield* opened(link)
      const before = serial()

      yield* Effect.promise(async () => {
        await fs.rm(link)
        await fs.symlink(next, link)
      })
      yield* until(() => serial() !== before)
    }).pipe(Effect.provide(credentials(events, { checkEvery: "200 millis" })))
  })

  it.live("watches the folder of that name, also when it was removed or another took its place", () => {
    const events: Array<SecurityEvent> = []
    const ca = authority()
    return Effect.gen(function*() {
      const folder = yield* prepare(ca, ca.issue())
      const { serial } = yield* opened(folder)
      const renewedAfter = Effect.fnUntraced(function*(change: () => Promise<void>) {
        const before = serial()
        yield* Effect.promise(change)
        yield* until(() => serial() !== before)
      })

      yield* renewedAfter(async () => {
        await fs.rename(folder, `${folder}.old`)
        await fs.mkdir(folder)
        await write(folder, "agent", ca.issue(), ca.root)
        await fs.rm(`${folder}.old`, { recursive: true })
      })
      yield* renewedAfter(() => write(folder, "agent", ca.issue(), ca.root))
      yield* Effect.promise(() => fs.rm(folder, { recursive: true }))
      yield* until(() => kinds(events).includes("certificate_validation_failed"))
      yield* renewedAfter(async () => {
        await fs.mkdir(folder)
        await write(folder, "agent", ca.issue(), ca.root)
      })
      yield* renewedAfter(() => write(folder, "agent", ca.issue(), ca.root))
    }).pipe(Effect.provide(credentials(events)))
  })

  it.live("takes a renewal as Kubernetes does it, a link that is turned to another folder", () => {
    const events: Array<SecurityEvent> = []
    const ca = authority()
    return Effect.gen(function*() {
      const folder = yield* temporaryFolder
      const version = (name: string) =>
        Effect.promise(async () => {
          await fs.mkdir(path.join(folder, name))
          await write(path.join(folder, name), "agent", ca.issue(), ca.root)
          await fs.symlink(name, path.join(folder, "..data_tmp"))
          await fs.rename(path.join(folder, "..data_tmp"), path.join(folder, "..data"))
        })
      yield* version("..2026_01")
      yield* Effect.promise(() =>
        Promise.all(
          ["agent.pem", "agent-key.pem", "root.pem"].map((file) =>
            fs.symlink(path.join("..data", file), path.join(folder, file))
          )
        )
      )
      const { serial } = yield* opened(folder)
      const before = serial()

      yield* version("..2026_02")
      yield* Effect.promise(() => fs.rm(path.join(folder, "..2026_01"), { recursive: true }))
      yield* until(() => serial() !== before)

      assert.deepStrictEqual(kinds(events), ["certificate_rotated"])
    }).pipe(Effect.provide(credentials(events)))
  })

  it.live.each(
    [
      ["a key of another certificate", /key values mismatch/, (ca: Authority) => ({
        cert: ca.issue().cert,
        key: ca.issue().key
      })],
      ["a certificate of another CA", /does not chain/, () => authority("Other").issue()],
      ["an expired one", /has expired/, (ca: Authority) => ca.issue({}, validFor(-2 * day, -day))],
      ["one that is not valid yet", /is not valid before/, (ca: Authority) => ca.issue({}, validFor(day, 2 * day))],
      ["half a file", /PEM|asn1|end of/i, (ca: Authority) => {
        const { cert, key } = ca.issue()
        return { cert: cert.slice(0, cert.length / 2), key }
      }],
      [
        "half a CA file",
        /root\.pem: ends within a PEM block/,
        (ca: Authority) => ca.issue(),
        (root: string) => `${root}${authority("Next").root.slice(0, 300)}`
      ],
      ["something else", /holds no PEM/, (ca: Authority) => ({ cert: "hello", key: ca.issue().key })]
    ] as const
  )(
    "keeps the set in use when it is followed by %s, and says so once",
    ([, reason, make, roots = (root: string) => root]) => {
      const events: Array<SecurityEvent> = []
      const ca = authority()
      return Effect.gen(function*() {
        const folder = yield* prepare(ca, ca.issue())
        const { serial } = yield* opened(folder)
        const before = serial()

        yield* Effect.promise(() => write(folder, "agent", make(ca), roots(ca.root)))
        const reasons = () => events.map((event) => event._tag === "CertificateRejected" ? event.reason : event._tag)
        yield* until(() => reasons().some((text) => reason.test(text)))
        yield* Effect.sleep(Duration.millis(400))

        assert.strictEqual(serial(), before)
        // Its files are written one after another: who looks in between sees a set that fits even less.
        assert.match(reasons().at(-1) ?? "", reason)
        assert.strictEqual(new Set(reasons()).size, reasons().length)

        yield* Effect.promise(() => write(folder, "agent", ca.issue(), ca.root))
        yield* until(() => serial() !== before)
      }).pipe(Effect.provide(credentials(events, { checkEvery: "100 millis" })))
    }
  )

  it.live("keeps the set in use when a file is deleted, and reports its name", () => {
    const events: Array<SecurityEvent> = []
    const ca = authority()
    return Effect.gen(function*() {
      const folder = yield* prepare(ca, ca.issue())
      const { serial } = yield* opened(folder)
      const before = serial()

      yield* Effect.promise(() => fs.rm(path.join(folder, "agent-key.pem")))
      yield* until(() => events.length > 0)
      const [rejected] = events

      assert.strictEqual(serial(), before)
      assert.include(rejected?._tag === "CertificateRejected" ? rejected.reason : "", "agent-key.pem: cannot be read")
    }).pipe(Effect.provide(credentials(events)))
  })

  it.live("warns once of each step towards the end of a certificate", () => {
    const events: Array<SecurityEvent> = []
    const ca = authority()
    return Effect.gen(function*() {
      const folder = yield* prepare(ca, ca.issue({}, validFor(-300 * day, 6 * day)))
      yield* opened(folder)
      yield* until(() => events.length > 0)
      yield* Effect.sleep(Duration.millis(300))

      assert.deepStrictEqual(events.map((event) => event._tag === "CertificateExpiring" ? event.days : event._tag), [7])
    }).pipe(Effect.provide(credentials(events, { checkEvery: "50 millis" })))
  })

  it.live("refuses a key that everybody may read, or warns where that is wanted", () => {
    const events: Array<SecurityEvent> = []
    const ca = authority()
    return Effect.gen(function*() {
      const folder = yield* prepare(ca, ca.issue())
      yield* Effect.promise(() => fs.chmod(path.join(folder, "agent-key.pem"), 0o644))
      const open = Credentials.use((service) => service.open(origin(folder)))

      const error = yield* Effect.flip(open).pipe(Effect.provide(credentials(events)))
      yield* Effect.provide(open, credentials(events, { openKeys: "warn" }))

      assert.include(error.message, "agent-key.pem: every user of this machine may read this key (mode 0644)")
    })
  })

  it.live("refuses certificates, roots and keys that everybody may change, or warns where that is wanted", () => {
    const events: Array<SecurityEvent> = []
    const ca = authority()
    return Effect.gen(function*() {
      for (const name of ["agent.pem", "agent-key.pem", "root.pem"]) {
        const folder = yield* prepare(ca, ca.issue())
        const file = path.join(folder, name)
        yield* Effect.promise(() => fs.chmod(file, 0o602))
        const open = Credentials.use((service) => service.open(origin(folder)))
        const roots = Credentials.use((service) => service.openRoots(path.join(folder, "root.pem")))

        const error = yield* Effect.flip(open).pipe(Effect.provide(credentials(events)))
        assert.strictEqual(
          error.message,
          `TLS file ${file}: every user of this machine may change this file (mode 0602): chmod o-w it`
        )
        const ofRoots = yield* Effect.exit(roots).pipe(Effect.provide(credentials(events)))
        assert.strictEqual(Exit.isFailure(ofRoots), name === "root.pem")
        yield* Effect.provide(Effect.andThen(open, roots), credentials(events, { openKeys: "warn" }))
      }
    })
  })

  it.live("opens a source once for all who name it", () => {
    const events: Array<SecurityEvent> = []
    const ca = authority()
    return Effect.gen(function*() {
      const folder = yield* prepare(ca, ca.issue())
      const service = yield* Credentials

      const [one, other] = yield* Effect.all([service.open(origin(folder)), service.open(origin(folder))])

      assert.strictEqual(one, other)
    }).pipe(Effect.provide(credentials(events)))
  })
})
