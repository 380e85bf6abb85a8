/**
 * Agent, poller, core and event writer as processes of their own, with a NATS and a PostgreSQL, all of them over mTLS,
 * while CA and certificates of all six are replaced again and again.
 *
 * Each round is a change of the CA: first everybody trusts both, then everybody gets a certificate of the new one, then
 * the old one is trusted no more, and all six refuse it. Then come sets that nobody may take.
 */
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as PgClient from "@effect/sql-pg/PgClient"
import { assert, describe, it } from "@effect/vitest"
import { jetstream } from "@nats-io/jetstream"
import { Clock, Effect, Fiber, Option, Redacted, References, Schedule } from "effect"
import * as Reactivity from "effect/reactivity/Reactivity"
import * as fs from "node:fs/promises"
import { NatsConnection } from "../../../src/layers/nats/connection/NatsConnection.ts"
import { type Authority, authority, type Issued } from "../../support/authority.ts"
import { markedEvent } from "../../support/markedEvents.ts"
import * as natsClient from "../../support/natsClient.ts"
import * as Program from "../../support/Program.ts"
import * as Doors from "../../support/tlsDoors.ts"
import { type Damage, damages } from "./Damage.ts"
import { all, awaitReady, counted, issue, names, type SixProcesses, start } from "./SixProcesses.ts"

const rounds = Number(process.env["ROTATION_ROUNDS"] ?? 3)

const callsPerSecondMin = 200
const movedWithin = "15 seconds"

/** What each of the six does with this certificate, until it is as wanted. */
const untilAll = (rig: SixProcesses, issued: Issued, wanted: Doors.Answer["outcome"]) =>
  Effect.forEach(rig.doors, (door) =>
    Program.eventually(
      `certificate ${wanted} at ${door.name}`,
      Effect.flatMap(Doors.knock(door, issued), (answer) =>
        answer.outcome === wanted
          ? Effect.succeedSome(answer)
          : Effect.fail(`${answer.outcome}: ${answer.reason}`)),
      { within: movedWithin, programs: all(rig) }
    ))

const openNow = ({ doors }: SixProcesses) =>
  Effect.promise(() => Promise.all(doors.map(({ port }) => Doors.connectionsTo(port))))

/** None of the connections of before is left, and there are others. The test's own door to PostgreSQL stays. */
const moved = (rig: SixProcesses, before: ReadonlyArray<ReadonlySet<number>>, own: ReadonlySet<number>) =>
  Program.eventually(
    "every connection made anew",
    Effect.flatMap(openNow(rig), (now) => {
      const stale = now.flatMap((open, index) =>
        [...open].filter((one) => !own.has(one) && before[index]?.has(one) === true).map((one) =>
          `${one} to ${rig.doors[index]?.name}`
        )
      )
      return stale.length === 0 ? Effect.succeedSome(true) : Effect.fail(`still open: ${stale.join(", ")}`)
    }),
    { within: movedWithin, programs: all(rig) }
  )

/** How the server of the database sees its clients: whose certificates, and by whom they were issued. */
const issuersInDatabase = ({ postgres }: SixProcesses) =>
  Effect.map(
    postgres.sql<{ readonly issuer: string | null }>`
      select distinct issuer_dn as issuer from pg_stat_ssl join pg_stat_activity using (pid)
      where datname = 'serviceradar'`,
    (rows) => rows.map(({ issuer }) => issuer)
  )

interface Published {
  sent: number
  retried: number
}

/** Publishes ten events a second, each until it is acknowledged. */
const publishing = Effect.fnUntraced(function*(count: Published) {
  const connection = yield* NatsConnection
  for (;;) {
    // All of one table, and none of them poison.
    const { data, subject } = markedEvent(7 * (2 * count.sent + 1))
    const send = Effect.flatMap(
      connection.client,
      ({ nc }) =>
        Effect.tryPromise(() => jetstream(nc).publish(subject, data, { msgID: `event-${count.sent}`, timeout: 3_000 }))
    )
    yield* send.pipe(
      Effect.tapError(() => Effect.sync(() => void (count.retried += 1))),
      Effect.retry(Schedule.max([Schedule.spaced("100 millis"), Schedule.recurs(100)]))
    )
    count.sent += 1
    yield* Effect.sleep("100 millis")
  }
})

const sender = ({ file, nats }: SixProcesses) =>
  natsClient.layer(nats.url, {
    credentials: { tls: { caFile: file("root.pem"), certFile: file("sender.pem"), keyFile: file("sender-key.pem") } }
  })

interface Stored {
  readonly calls: number
  readonly failed: number
  readonly reasons: ReadonlyArray<string>
  readonly events: number
}

/** What became of calls and events, asked for with a certificate of now. */
const stored = ({ postgres }: SixProcesses, ca: Authority) =>
  Effect.gen(function*() {
    const ssl = { ...issue(ca, "sender"), ca: ca.root }
    const sql = yield* PgClient.make({ url: Redacted.make(postgres.url.href), ssl, maxConnections: 1 })
    const [row] = yield* sql<Stored>`
      select (select count(*)::int from service_status_history) as calls,
        (select count(*)::int from service_status_history where not available) as failed,
        array(select distinct left(message, 300) from service_status_history where not available limit 5) as reasons,
        (select count(*)::int from platform.timeseries_metrics) as events`
    return row ?? { calls: 0, failed: 0, reasons: [], events: 0 }
  }).pipe(Effect.provide(Reactivity.layer), Effect.scoped)

/** One change of the CA; gives the new one. */
const rotate = Effect.fnUntraced(function*(
  rig: SixProcesses,
  current: Authority,
  round: number,
  own: ReadonlySet<number>
) {
  const next = authority(`CA ${round}`)
  const both = `${current.root}\n${next.root}`
  const old = rig.of("poller")
  yield* rig.trust(both)
  yield* untilAll(rig, issue(next, "poller"), "let in")
  const open = yield* openNow(rig)
  yield* rig.replace(next, both)
  yield* moved(rig, open, own)
  // One that was opened between the two is neither of before nor of the new chain, and has as long as the others.
  yield* Program.eventually(
    "every connection of the database on the new chain",
    Effect.flatMap(
      issuersInDatabase(rig),
      (issuers) =>
        issuers.length > 0 && issuers.every((one) => one?.includes(`CA ${round}`))
          ? Effect.succeedSome(issuers)
          : Effect.fail(String(issuers))
    ),
    { within: movedWithin, programs: all(rig) }
  )
  // The very certificate that was in use until now.
  yield* untilAll(rig, old, "let in")
  yield* rig.trust(next.root)
  yield* untilAll(rig, old, "refused")
  yield* untilAll(rig, rig.of("poller"), "let in")
  return next
})

/** Inflicts it on all four programs: each tells of it, and goes on with the certificate that it has. */
const damage = Effect.fnUntraced(function*(rig: SixProcesses, ca: Authority, one: Damage) {
  const shown = Effect.map(
    untilAll(rig, rig.of("sender"), "let in"),
    (answers) => answers.map(({ serial }) => serial)
  )
  const serials = yield* shown
  yield* Effect.forEach(names, (service) =>
    Effect.gen(function*() {
      const [cert, key] = [rig.file(`${service}.pem`), rig.file(`${service}-key.pem`)]
      const [certText, keyText] = yield* Effect.promise(() => Promise.all([cert, key].map((file) => fs.readFile(file))))
      const { rejected } = yield* counted(rig, service)
      yield* one.inflict({ service, cert, key }, ca)
      yield* Program.eventually(
        `${service} tells of ${one.name}`,
        Effect.map(counted(rig, service), Option.liftPredicate((now) => now.rejected > rejected)),
        { within: movedWithin, programs: all(rig) }
      )
      return Effect.promise(async () => {
        await fs.writeFile(cert, certText ?? "")
        await fs.writeFile(key, keyText ?? "", { mode: 0o600 })
      })
    }), { concurrency: names.length }).pipe(
      Effect.tap(() => Effect.map(shown, (after) => assert.deepStrictEqual(after, serials, one.name))),
      Effect.flatMap((mends) => Effect.all(mends))
    )
})

describe("Certificates of six processes", () => {
  it.live(
    `replaced with their CA ${rounds} times under ${callsPerSecondMin} calls a second, fail no call and leave no connection behind`,
    () =>
      Effect.gen(function*() {
        const rig = yield* start
        const own = yield* Effect.promise(() => Doors.connectionsTo(rig.postgres.port))
        yield* awaitReady(rig)
        const events: Published = { sent: 0, retried: 0 }
        const publisher = yield* publishing(events).pipe(Effect.provide(sender(rig)), Effect.forkScoped)
        const before = yield* counted(rig, "poller")
        const startedAt = yield* Clock.currentTimeMillis

        let current = rig.first
        for (let round = 1; round <= rounds; round++) current = yield* rotate(rig, current, round, own)
        for (const one of damages) yield* damage(rig, current, one)
        yield* awaitReady(rig)

        const after = yield* counted(rig, "poller")
        const seconds = ((yield* Clock.currentTimeMillis) - startedAt) / 1_000
        yield* Fiber.interrupt(publisher)
        const found = yield* Program.eventually(
          `${events.sent} events stored`,
          Effect.map(stored(rig, current), Option.liftPredicate((one) => one.events >= events.sent)),
          { within: "20 seconds", programs: all(rig) }
        )
        const calls = after.polls - before.polls + after.reports - before.reports
        const retried = after.retried - before.retried
        process.stdout.write(
          `${rounds} rotations in ${seconds.toFixed(0)} s: ${calls} calls, ${retried} of them sent again unseen by ` +
            `the peer; ${events.sent} events published, ${events.retried} of them more than once\n`
        )

        assert.deepStrictEqual(found.reasons, [])
        assert.deepStrictEqual([after.failed - before.failed, after.dropped - before.dropped, found.failed], [0, 0, 0])
        assert.isAtLeast((after.polls - before.polls) / seconds, callsPerSecondMin)
        assert.isAbove(found.calls, callsPerSecondMin * seconds)
        assert.isAbove(after.reports, before.reports)
        assert.isAbove(events.sent, 0)
      }).pipe(Effect.provide(NodeServices.layer), Effect.provideService(References.MinimumLogLevel, "None")),
    60_000 + rounds * 60_000
  )
})
