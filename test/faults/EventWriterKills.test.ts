/**
 * Two writers that share their consumers, nats-server and PostgreSQL killed at random moments under load: each message
 * that the server acknowledged is stored once, or a dead letter once. Now and then one of them stands still for longer
 * than a delivery may go without a sign of life.
 *
 * `EVENT_WRITER_KILL_ROUNDS` sets how many rounds there are (default 4) and `EVENT_WRITER_KILL_SEED` which; the outcome
 * is printed when the rounds are set.
 */
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { assert, describe, it } from "@effect/vitest"
import type { NatsConnection } from "@nats-io/transport-node"
import { Clock, Effect, Exit, FileSystem, Layer, Option, Random, Redacted, Scope } from "effect"
import * as path from "node:path"
import { DatabaseEndpoint } from "../../src/layers/postgres/connection/DatabaseEndpoint.ts"
import { PgConnection } from "../../src/layers/postgres/connection/PgConnection.ts"
import * as EmbeddedPostgres from "../../src/layers/postgres/server/EmbeddedPostgres.ts"
import * as FreePort from "../../src/layers/process/endpoint/FreePort.ts"
import * as EventWriter from "../support/eventWriter.ts"
import * as NatsServer from "../support/natsServer.ts"
import * as Program from "../support/Program.ts"
import { temporaryFolder } from "../support/temporaryFolder.ts"
import * as TestConnection from "../support/TestConnection.ts"

const rounds = Number(process.env["EVENT_WRITER_KILL_ROUNDS"] ?? 4)
const seed = process.env["EVENT_WRITER_KILL_SEED"] ?? "event-writer"

/** Something that can be killed and started again; it is gone when `kill` ends. */
interface Victim {
  readonly name: string
  readonly kill: Effect.Effect<void>
  readonly start: Effect.Effect<void>
  /** Sends a signal that ends nothing. */
  readonly signal: (signal: "SIGSTOP" | "SIGCONT") => Effect.Effect<void>
}

const send = (pid: number, signal: NodeJS.Signals) => Effect.sync(() => void process.kill(pid, signal))

/** The part that runs now, with a scope for each of its lives. */
const victim = <A extends { readonly pid: number }, E>(
  name: string,
  start: Effect.Effect<A, E, FileSystem.FileSystem | Scope.Scope>,
  kill: (running: A) => Effect.Effect<void>
) =>
  Effect.gen(function*() {
    const fileSystem = yield* FileSystem.FileSystem
    let life: { readonly running: A; readonly scope: Scope.Closeable } | undefined
    const begin = Effect.gen(function*() {
      const scope = yield* Scope.make()
      const running = yield* Effect.orDie(start).pipe(
        Effect.provideService(FileSystem.FileSystem, fileSystem),
        Scope.provide(scope)
      )
      life = { running, scope }
      return running
    })
    const end = Effect.suspend(() => life === undefined ? Effect.void : Scope.close(life.scope, Exit.void))
    const first = yield* begin
    yield* Effect.addFinalizer(() => end)
    const part: Victim = {
      name,
      kill: Effect.suspend(() => life === undefined ? Effect.void : kill(life.running)),
      start: Effect.andThen(end, begin),
      signal: (signal) => Effect.suspend(() => life === undefined ? Effect.void : send(life.running.pid, signal))
    }
    return { first, part }
  })

/**
 * Below those that the system gives to clients: one that knocks at a dead server's port from that very port would keep the
 * server from coming back.
 */
const quietPort = (from: number) => FreePort.next("127.0.0.1", from + process.pid % 5_000)

const postgres = Effect.fnUntraced(function*(folder: string) {
  const home = path.join(folder, "postgres")
  const port = yield* quietPort(20_000)
  return yield* victim(
    "PostgreSQL",
    EmbeddedPostgres.start({ home, port }).pipe(
      Effect.filterOrFail((server) => server.port === port, () => `port ${port} is taken`)
    ),
    (server) => Effect.andThen(send(server.pid, "SIGKILL"), Effect.ignore(server.run))
  )
})

const inFlightMax = 2_000

/** Publishes a few hundred messages a second for as long as it lives, and keeps count of what became of each. */
const load = Effect.fnUntraced(function*(connection: NatsConnection) {
  const acked = new Set<number>()
  const unknown = new Set<number>()
  let next = 1
  let inFlight = 0
  const one = async (mark: number) => {
    inFlight += 1
    unknown.add(mark)
    const isKept = await EventWriter.publish(connection, mark)
    inFlight -= 1
    if (!isKept) return
    unknown.delete(mark)
    acked.add(mark)
  }
  const burst = Effect.sync(() => {
    const count = Math.min(10, inFlightMax - inFlight)
    for (let at = 0; at < count; at++) void one(next++)
  })
  const fiber = yield* Effect.forkScoped(Effect.forever(Effect.andThen(burst, Effect.sleep("20 millis"))))
  const stop = Effect.gen(function*() {
    fiber.interruptUnsafe()
    yield* Program.eventually(
      "every publish answered",
      Effect.sync(() => inFlight === 0 ? Option.some(true) : Option.none()),
      { within: "20 seconds" }
    )
    return { acked, unknown }
  })
  return { stop }
})

/** Each of them in turn, in an order that changes, now and then together with others. */
const choose = Effect.fnUntraced(function*(parts: ReadonlyArray<Victim>, turn: Array<Victim>) {
  if (turn.length === 0) turn.push(...(yield* Random.shuffle(parts)))
  const first = turn.pop()
  const chosen = new Set(first === undefined ? [] : [first])
  for (const part of parts) if ((yield* Random.next) < 0.15) chosen.add(part)
  return [...chosen]
})

/** Stands still until others have got what it held, and goes on as if nothing had been. */
const freeze = (part: Victim) =>
  part.signal("SIGSTOP").pipe(
    Effect.andThen(Effect.flatMap(Random.nextIntBetween(2_200, 3_500), Effect.sleep)),
    Effect.ensuring(part.signal("SIGCONT"))
  )

const disasters = Effect.fnUntraced(function*(parts: ReadonlyArray<Victim>) {
  const killed = new Map<string, number>()
  const stood = new Map<string, number>()
  const turn: Array<Victim> = []
  for (let round = 1; round <= rounds; round++) {
    yield* Effect.sleep(yield* Random.nextIntBetween(50, 1_500))
    const chosen = yield* choose(parts, turn)
    yield* Effect.forEach(chosen, (part) => part.kill, { concurrency: parts.length })
    for (const { name } of chosen) killed.set(name, (killed.get(name) ?? 0) + 1)
    yield* Effect.sleep(yield* Random.nextIntBetween(1, 700))
    yield* Effect.forEach(chosen, (part) => part.start, { concurrency: parts.length })
    const [frozen] = yield* Random.shuffle(parts)
    if (frozen !== undefined && (yield* Random.next) < 0.25) {
      yield* freeze(frozen)
      stood.set(frozen.name, (stood.get(frozen.name) ?? 0) + 1)
    }
  }
  return { killed: Object.fromEntries(killed), stoodStill: Object.fromEntries(stood) }
})

describe("Two writers, nats-server and PostgreSQL killed at random", () => {
  it.live("lose and repeat nothing", () =>
    Effect.gen(function*() {
      const folder = yield* temporaryFolder
      const database = yield* postgres(folder)
      const server = yield* NatsServer.start({ port: yield* quietPort(25_000) })
      const environment = EventWriter.environment(server.url, Redacted.value(database.first.url))
      const writers = yield* Effect.forEach(["first writer", "second writer"], (name) =>
        victim(
          name,
          Program.start(["event-writer", "--http", "off"], { env: environment }),
          (program) => Effect.andThen(program.kill("SIGKILL"), Effect.asVoid(program.exited))
        ))
      const nats: Victim = {
        name: "nats-server",
        kill: server.kill("SIGKILL"),
        start: Effect.orDie(server.restart),
        signal: (signal) => Effect.suspend(() => send(server.pid, signal))
      }
      const connection = yield* EventWriter.natsConnection(server.url)
      yield* EventWriter.awaitStreams(connection)
      const { stop } = yield* load(connection)

      const suffered = yield* Random.withSeed(
        disasters([...writers.map(({ part }) => part), database.part, nats]),
        seed
      )
      const endedMillis = yield* Clock.currentTimeMillis
      const published = yield* stop
      yield* EventWriter.awaitSettled(connection, { within: "60 seconds" })
      const settledMillis = (yield* Clock.currentTimeMillis) - endedMillis

      const found = yield* EventWriter.audit(connection, published).pipe(
        Effect.provide(TestConnection.keeping.pipe(
          Layer.provideMerge(PgConnection.layer()),
          Layer.provideMerge(DatabaseEndpoint.layer(Option.some(database.first.url)))
        ))
      )
      const { deadLetters, rows, ...wrong } = found
      if (process.env["EVENT_WRITER_KILL_ROUNDS"] !== undefined) {
        const figures = {
          rounds,
          ...suffered,
          acked: published.acked.size,
          unknown: published.unknown.size,
          rows,
          deadLetters
        }
        yield* Effect.log({ ...figures, settledMillis, ...wrong })
      }
      assert.deepStrictEqual(wrong, { lost: [], duplicated: [], torn: [] })
      assert.isAbove(rows, 0)
    }).pipe(Effect.provide(NodeFileSystem.layer)), 60_000 + rounds * 10_000)
})
