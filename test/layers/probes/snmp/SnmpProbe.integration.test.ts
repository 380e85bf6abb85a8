/** `snmp` against Debian's snmpd, and against devices that answer what is no SNMP. */
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Layer, Option, Schema } from "effect"
import * as dgram from "node:dgram"
import * as fs from "node:fs"
import * as AgentConfig from "../../../../src/domain/agent/AgentConfig.ts"
import { GrpcCheckers } from "../../../../src/layers/probes/GrpcCheckers.ts"
import * as ProbeTable from "../../../../src/layers/probes/ProbeTable.ts"
import { Prober } from "../../../../src/services/monitoring/Prober.ts"
import { withPeer } from "../../../support/peers.ts"
import { secured } from "../../../support/secured.ts"
import { temporaryFolder } from "../../../support/temporaryFolder.ts"
import { probe } from "../probing.ts"
import * as Snmpd from "./snmpd.ts"

const uptime = { oid: ".1.3.6.1.2.1.1.3.0", name: "uptime", type: "gauge" }
const sysName = { oid: ".1.3.6.1.2.1.1.5.0", name: "name", type: "string" }
const location = { oid: ".1.3.6.1.2.1.1.6.0", name: "location", type: "string" }
const absent = { oid: ".1.3.6.1.2.1.1.99.0", name: "absent" }
/** ifHCInOctets, a column of ifXTable. */
const received = { oid: ".1.3.6.1.2.1.31.1.1.1.6", name: "received", type: "counter", walk: true }

const Answer = Schema.Record(
  Schema.String,
  Schema.Struct({
    available: Schema.Boolean,
    last_poll: Schema.DateTimeUtcFromString,
    host_ip: Schema.String,
    host_name: Schema.String,
    error: Schema.optionalKey(Schema.String),
    oid_status: Schema.Record(
      Schema.String,
      Schema.Struct({
        last_value: Schema.Unknown,
        last_update: Schema.DateTimeUtcFromString,
        error_count: Schema.Int,
        last_error: Schema.optionalKey(Schema.String),
        rate_per_second: Schema.optionalKey(Schema.Finite)
      })
    )
  })
)
const read = Schema.decodeUnknownEffect(Schema.fromJsonString(Answer), { onExcessProperty: "error" })

const ask = Effect.fnUntraced(function*(target: object) {
  const result = yield* probe("snmp", JSON.stringify({ name: "it", host: "127.0.0.1", retries: 0, ...target }))
  const { it: one } = yield* read(result.message)
  return { ...result, it: one }
})

const secrets = [Snmpd.community, ...Object.values(Snmpd.passwords)]

describe("SnmpProbe with snmpd", () => {
  withPeer(
    Snmpd.missing,
    "reads values by v1, v2c and v3, signed and sealed, and tells what the device has not",
    () =>
      Effect.gen(function*() {
        const { port } = yield* Snmpd.start
        const signed = { username: "signed", auth_protocol: "SHA256", auth_password: Snmpd.passwords.auth }
        const sealed = {
          username: "sealed",
          auth_protocol: "sha",
          auth_password: Snmpd.passwords.auth,
          priv_protocol: "AES",
          priv_password: Snmpd.passwords.priv
        }
        const ways = [
          { version: "v1", community: Snmpd.community },
          { version: "v2c", community: Snmpd.community },
          { version: "v3", username: "plain" },
          { version: "v3", ...signed },
          { version: "v3", ...sealed }
        ]

        const answers = yield* Effect.forEach(
          ways,
          (way) => ask({ port, ...way, oids: [sysName, location, uptime, absent] })
        )

        for (const { available, it: one, message } of answers) {
          assert.isTrue(available, message)
          assert.strictEqual(one?.oid_status["name"]?.last_value, "snmpd-of-a-test")
          assert.strictEqual(one?.oid_status["location"]?.last_value, "Zürich")
          assert.isNumber(one?.oid_status["uptime"]?.last_value)
          assert.match(one?.oid_status["absent"]?.last_error ?? "", /^NoSuch/)
          assert.isFalse(secrets.some((secret) => message.includes(secret)))
        }
      }).pipe(Effect.scoped),
    30_000
  )

  withPeer(
    Snmpd.missing,
    "walks a column, and has the rate of each counter from the second check on",
    () =>
      Effect.gen(function*() {
        const { port } = yield* Snmpd.start
        const target = { name: "it", host: "127.0.0.1", port, community: Snmpd.community, oids: [received] }
        const config = AgentConfig.fromFile({ agent_id: "agent-1" })
        const [first, second] = yield* Effect.gen(function*() {
          const checker = yield* Prober.use((prober) =>
            prober.prepare({
              serviceType: "snmp",
              serviceName: "it",
              details: JSON.stringify(target),
              port: 0,
              agentId: "agent-1",
              pollerId: "poller-1"
            })
          )
          return [yield* checker.check, yield* checker.check] as const
        }).pipe(
          Effect.scoped,
          Effect.provide(
            ProbeTable.layer({ config, path: process.env["PATH"] }).pipe(
              Layer.provide(GrpcCheckers.layer(config)),
              Layer.provide(secured)
            )
          )
        )

        const before = (yield* read(first.message))["it"]?.oid_status ?? {}
        const after = (yield* read(second.message))["it"]?.oid_status ?? {}

        const names = Object.keys(after)
        assert.isAbove(names.length, 0)
        assert.isTrue(names.every((name) => /^received\.\d+$/.test(name)))
        assert.isTrue(Object.values(before).every((one) => one.rate_per_second === undefined))
        assert.isTrue(Object.values(after).every((one) => (one.rate_per_second ?? -1) >= 0))
      }).pipe(Effect.scoped),
    30_000
  )

  withPeer(Snmpd.missing, "says of wrong secrets only that they are wrong", () =>
    Effect.gen(function*() {
      const { port } = yield* Snmpd.start
      const wrong = "wr0ng-s3cret-pass"

      const community = yield* ask({ port, community: wrong, timeout: "300ms", oids: [sysName] })
      const password = yield* ask({
        port,
        version: "v3",
        username: "signed",
        auth_protocol: "sha256",
        auth_password: wrong,
        timeout: "500ms",
        oids: [sysName]
      })
      const user = yield* ask({ port, version: "v3", username: "nobody", timeout: "500ms", oids: [sysName] })

      assert.deepStrictEqual([community, password, user].map(({ available }) => available), [false, false, false])
      assert.strictEqual(community.it?.error, "no answer in time")
      assert.match(password.it?.error ?? "", /takes neither this password .* wrong digest/)
      assert.match(user.it?.error ?? "", /Unknown User Name/)
      assert.isFalse([community, password, user].some(({ message }) => message.includes(wrong)))
      assert.isTrue([community, password, user].every((one) => (one.it?.error ?? "") !== ""))
    }).pipe(Effect.scoped), 30_000)

  withPeer(
    Snmpd.missing,
    "asks the targets of snmp.json, all or one by its name, and one that is away costs the others nothing",
    () =>
      Effect.gen(function*() {
        const { port } = yield* Snmpd.start
        const folder = yield* temporaryFolder
        const here = {
          name: "here",
          host: "127.0.0.1",
          port,
          version: "v2c",
          community: Snmpd.community,
          oids: [sysName]
        }
        const away = { ...here, name: "away", host: "127.0.0.9", port: 9, timeout: "200ms", retries: 0 }
        const file = { node_address: "x", listen_addr: ":50054", partition: "default", targets: [here, away] }
        fs.writeFileSync(`${folder}/snmp.json`, JSON.stringify(file))
        const config = AgentConfig.fromFile({ agent_id: "agent-1", checkers_dir: folder })

        const all = yield* probe("snmp", "", { config })
        const one = yield* probe("snmp", "here", { config })
        const none = yield* Effect.flip(probe("snmp", "nowhere", { config }))

        const both = yield* read(all.message)
        assert.isFalse(all.available)
        assert.deepStrictEqual(Object.keys(both), ["here", "away"])
        assert.deepStrictEqual([both["here"]?.available, both["away"]?.available], [true, false])
        assert.isTrue(one.available)
        assert.deepStrictEqual(Object.keys(one.document), ["here"])
        assert.match(none.message, /nowhere/)
      }).pipe(Effect.scoped),
    30_000
  )
})

/** Answers each datagram with whatever is made of it. */
const device = (answer: (asked: Buffer) => ReadonlyArray<Buffer>) =>
  Effect.acquireRelease(
    Effect.callback<{ readonly port: number; readonly socket: dgram.Socket }>((resume) => {
      const socket = dgram.createSocket("udp4")
      socket.on("message", (asked, from) => {
        for (const one of answer(asked)) socket.send(one, from.port, from.address)
      })
      socket.bind(0, "127.0.0.1", () => resume(Effect.succeed({ port: socket.address().port, socket })))
    }),
    ({ socket }) => Effect.sync(() => void socket.close())
  )

/** The request turned into its own answer: the tag of a response, with the values that were asked with (null). */
const echoed = (asked: Buffer): Buffer => {
  const answer = Buffer.from(asked)
  const at = answer.findIndex((byte, index) => index > 6 && byte === 0xa0)
  if (at >= 0) answer[at] = 0xa2
  return answer
}

const tlv = (tag: number, ...parts: ReadonlyArray<Uint8Array>): Buffer => {
  const value = Buffer.concat(parts)
  const { length } = value
  const head = length < 128 ? [tag, length] : [tag, 0x82, length >> 8, length & 255]
  return Buffer.concat([Buffer.from(head), value])
}

/** Numbers of an OID beyond the first two. */
const base128 = (number: number): ReadonlyArray<number> =>
  number < 128 ? [number] : [...base128(number >> 7).map((byte) => byte | 128), number & 127]

/** A device of v2c with so many values of 1 in a column: asked by GETBULK, it goes on behind the last of an answer. */
const column = (size: number) => {
  let next = 1
  return (asked: Buffer): ReadonlyArray<Buffer> => {
    const community = asked.subarray(7, 7 + (asked[6] ?? 0))
    const pdu = 7 + community.length
    const id = asked.subarray(pdu + 4, pdu + 4 + (asked[pdu + 3] ?? 0))
    const isBulk = asked[pdu] === 0xa5
    const counter = tlv(0x41, Buffer.from([1]))
    const one = (oid: ReadonlyArray<number>) => tlv(0x30, tlv(6, Buffer.from(oid)), counter)
    const row = (index: number) =>
      index <= size
        ? one([43, 6, 1, 2, 1, 31, 1, 1, 1, 6, ...base128(index)])
        : one([43, 6, 1, 2, 1, 31, 1, 1, 1, 7, 1])
    const values = isBulk
      ? Array.from({ length: 20 }, () => row(next++))
      : [one([43, 6, 1, 2, 1, 1, 3, 0])]
    const zero = tlv(2, Buffer.from([0]))
    const answer = tlv(0xa2, tlv(2, id), zero, zero, tlv(0x30, ...values))
    return [tlv(0x30, tlv(2, Buffer.from([1])), tlv(4, community), answer)]
  }
}

/** The same numbers in every run. */
const randomOf = (seed: number) => {
  let state = seed
  return (below: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor(state / 2 ** 32 * below)
  }
}

const mutated = (bytes: Buffer, random: (below: number) => number): Buffer => {
  const changed = Buffer.from(bytes)
  for (let count = 1 + random(6); count > 0; count--) changed[random(changed.length)] = random(256)
  return random(3) === 0 ? changed.subarray(0, random(changed.length)) : changed
}

describe("SnmpProbe with a device that answers what it likes", () => {
  it.live("says where a walk was cut, and takes a column of just as many values whole", () =>
    Effect.gen(function*() {
      const walk = (size: number) =>
        Effect.gen(function*() {
          const { port } = yield* device(column(size))
          return (yield* ask({ port, oids: [{ ...received, name: "if" }] })).it
        })

      const long = yield* walk(1_200)
      const whole = yield* walk(1_000)

      assert.isTrue(long?.available)
      assert.lengthOf(Object.keys(long?.oid_status ?? {}), 1_001)
      assert.strictEqual(
        long?.oid_status["if"]?.last_error,
        "more than 1000 values are below it: those after them are left out"
      )
      assert.lengthOf(Object.keys(whole?.oid_status ?? {}), 1_000)
      assert.isUndefined(whole?.oid_status["if"])
    }).pipe(Effect.scoped), 30_000)

  it.live("has an error for each kind of garbage, and goes on", () =>
    Effect.gen(function*() {
      const garbage: ReadonlyArray<(asked: Buffer) => ReadonlyArray<Buffer>> = [
        () => [Buffer.alloc(0)],
        () => [Buffer.from("HTTP/1.1 200 OK\r\n\r\n")],
        (asked) => [echoed(asked).subarray(0, 20)],
        () => [Buffer.alloc(60_000, 0x30)],
        () => [Buffer.from([0x30, 0x84, 0xff, 0xff, 0xff, 0xff])],
        (asked) => [Buffer.concat([Buffer.from([0x30, 0x80]), echoed(asked)])]
      ]

      for (const answer of garbage) {
        const { port } = yield* device(answer)
        const one = yield* ask({ port, timeout: "200ms", oids: [sysName] })
        assert.isFalse(one.available)
        assert.notStrictEqual(one.it?.error ?? "", "")
      }
    }).pipe(Effect.scoped), 30_000)

  it.live(
    "has an error for a report in place of an answer, and for an error status below 0",
    () =>
      Effect.gen(function*() {
        const withByte = (bytes: Buffer, at: number, byte: number) => {
          const changed = Buffer.from(bytes)
          changed[at] = byte
          return changed
        }
        /** Behind the version and the community: the kind of the message, its length, and the id that was asked with. */
        const pduAt = (bytes: Buffer) => 2 + 3 + 2 + (bytes[6] ?? 0)
        const statusAt = (bytes: Buffer) => pduAt(bytes) + 2 + 2 + (bytes[pduAt(bytes) + 3] ?? 0) + 2
        const report = yield* device((asked) => [withByte(echoed(asked), pduAt(asked), 0xa8)])
        const negative = yield* device((asked) => [withByte(echoed(asked), statusAt(asked), 0xff)])
        const startedNanos = yield* Clock.monotonicTimeNanos

        const reported = yield* ask({ port: report.port, timeout: "500ms", oids: [sysName] })
        const refused = yield* ask({ port: negative.port, timeout: "500ms", oids: [sysName] })
        const tookMillis = Number((yield* Clock.monotonicTimeNanos) - startedNanos) / 1e6

        assert.isFalse(reported.available)
        assert.isFalse(refused.available)
        assert.include(refused.message, "error status -1")
        // Not the time limit of the whole check, which is 25 s.
        assert.isBelow(tookMillis, 15_000)
      }).pipe(Effect.scoped),
    60_000
  )

  it.live("withstands hundreds of answers that were changed on the way, of each version", () =>
    Effect.gen(function*() {
      const random = randomOf(16)
      const { port } = yield* device((asked) => [mutated(echoed(asked), random), mutated(asked, random)])
      const ways = [{ version: "v1" }, { version: "v2c" }, {
        version: "v3",
        username: "sealed",
        auth_password: Snmpd.passwords.auth,
        priv_password: Snmpd.passwords.priv
      }]
      const rounds = Array.from({ length: 340 }, (_, round) => ways[round % ways.length])

      const results = yield* Effect.forEach(
        rounds,
        (way) => Effect.option(ask({ port, ...way, timeout: "50ms", oids: [sysName, uptime, absent] })),
        { concurrency: 16 }
      )

      assert.isTrue(results.every(Option.isSome))
    }).pipe(Effect.scoped), 60_000)

  it.live("refuses details that cannot be meant, and shows no secret of them", () =>
    Effect.gen(function*() {
      const wrong = [
        { host: "127.0.0.1", community: Snmpd.community, oids: [] },
        { host: "127.0.0.1", community: Snmpd.community, oids: [{ oid: "2.5", name: "x" }] },
        { host: "127.0.0.1", version: "v3", auth_password: Snmpd.passwords.auth, oids: [sysName] },
        { host: "127.0.0.1", version: "v3", username: "u", priv_password: Snmpd.passwords.priv, oids: [sysName] },
        { host: "127.0.0.1", community: Snmpd.community, comunity: Snmpd.community, oids: [sysName] },
        { host: "127.0.0.1", community: Snmpd.community, oids: [sysName, sysName] }
      ]

      const errors = yield* Effect.forEach(wrong, (details) => Effect.flip(probe("snmp", JSON.stringify(details))))

      assert.isTrue(errors.every(({ _tag }) => _tag === "InvalidTarget"))
      assert.isFalse(errors.some(({ message }) => secrets.some((secret) => message.includes(secret))))
    }).pipe(Effect.scoped))
})
