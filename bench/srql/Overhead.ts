/** The whole way of a question, and the same statement by hand through the same driver, in turns. */
import { Console, Effect, Result } from "effect"
import { coreCatalog } from "../../src/domain/core/CoreCatalog.ts"
import { rowRules } from "../../src/domain/queries/RowRules.ts"
import * as RowText from "../../src/domain/srql/plan/RowText.ts"
import { PgConnection } from "../../src/layers/postgres/connection/PgConnection.ts"
import { Queries } from "../../src/services/queries/Queries.ts"
import { check } from "../../src/services/srql/index.ts"

export const classes: Readonly<Record<string, string>> = {
  "devices by name": "in:devices hostname:%-core limit:25",
  "devices in a network": "in:devices ip:10.0.16.0/20 limit:100",
  "devices last seen": "in:devices is_available:false time:last_7d limit:100",
  "devices counted by vendor": "in:devices stats:\"count() as n by vendor\"",
  "logs of an hour": "in:logs time:last_1h severity_text:ERROR limit:100",
  "logs by their text": "in:logs time:last_6h body:%timeout% limit:100",
  "logs counted": "in:logs time:last_24h stats:\"count() as n by severity\"",
  "metrics in buckets": "in:snmp time:last_6h bucket:5m agg:max series:device_id limit:1000",
  "rates in buckets": "in:snmp time:last_6h bucket:5m agg:rate series:if_index limit:1000",
  "a page of metrics": "in:timeseries time:last_24h limit:2000"
}

export interface Measured {
  readonly name: string
  readonly p50: number
  readonly p95: number
  /** Half of all pairs that were asked side by side are within it. */
  readonly ratio: number
  /** Asked for a tenant: a transaction that names it, under row-level security. */
  readonly tenantMillis: number
}

export interface Rounds {
  readonly repeats: number
  /** Of a class, after at least five rounds. */
  readonly seconds: number
}

const at = (sorted: ReadonlyArray<number>, share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0

const timed = <A, E, R>(work: Effect.Effect<A, E, R>) =>
  Effect.gen(function*() {
    const from = performance.now()
    yield* work
    return performance.now() - from
  })

const byHand = Effect.fnUntraced(function*(text: string) {
  const sql = yield* (yield* PgConnection).client
  const plan = Result.getOrThrow(check(text, coreCatalog, { tenant: null, nowMillis: Date.now(), isSettled: true }))
  return { sql, statement: RowText.statement(plan, "web", rowRules), params: plan.binds.map(({ v }) => v) }
})

const roundsMin = 5
const roundsOfGarbage = 20

/** Both ways, as in a core that has been asked before: fast ones take some hundred rounds until they are compiled. */
const warmUp = { roundsMin: 3, roundsMax: 300, millis: 3000 }

const sorted = (times: ReadonlyArray<number>) => [...times].sort((one, other) => one - other)

const measure = Effect.fnUntraced(function*(name: string, text: string, { repeats, seconds }: Rounds) {
  const queries = yield* Queries
  const hand = yield* byHand(text)
  const whole = queries.page({ text, style: "web", tenant: null })
  const ofTenant = queries.page({ text, style: "web", tenant: "default" })
  const same = hand.sql.unsafe(hand.statement, hand.params)
  const ours: Array<number> = []
  const ratios: Array<number> = []
  const warm = performance.now() + warmUp.millis
  for (let round = 0; round < warmUp.roundsMin || (round < warmUp.roundsMax && performance.now() < warm); round++) {
    yield* Effect.andThen(whole, same)
  }
  const until = performance.now() + seconds * 1000
  for (let round = 0; round < repeats && (round < roundsMin || performance.now() < until); round++) {
    // What was thrown away before is nobody's here.
    if (round % roundsOfGarbage === 0) globalThis.gc?.()
    // Whoever is first finds colder caches, and what else the machine does comes and goes: so both are first, side by side.
    const first = yield* timed(whole)
    const theirs = (yield* timed(same)) + (yield* timed(same))
    const second = yield* timed(whole)
    ours.push(first, second)
    ratios.push((first + second) / theirs)
  }
  const tenants: Array<number> = []
  for (let round = 0; round < roundsMin; round++) tenants.push(yield* timed(ofTenant))
  const mine = sorted(ours)
  return {
    name,
    p50: at(mine, 0.5),
    p95: at(mine, 0.95),
    ratio: at(sorted(ratios), 0.5),
    tenantMillis: at(sorted(tenants), 0.5)
  }
})

/** Of those whose names contain one of `wanted`; each is told when it is measured. */
export const all = (rounds: Rounds, wanted: ReadonlyArray<string>) =>
  Effect.forEach(
    Object.entries(classes).filter(([name]) => wanted.some((word) => name.includes(word))),
    ([name, text]): Effect.Effect<Measured, unknown, PgConnection | Queries> =>
      Effect.tap(measure(name, text, rounds), ({ p50, ratio, tenantMillis }) =>
        Console.error(`${name}: ${ratio.toFixed(2)}, ${p50.toFixed(1)} ms, for a tenant ${tenantMillis.toFixed(1)} ms`))
  )
