/**
 * What the control plane costs over the same API written by hand (`controlPlane/Hand.ts`), in the same process, over the same
 * driver and HTTP server: CPU of core and of PostgreSQL together, for each kind of request; and how many devices are taken in.
 *
 *   npm run bench -- control-plane [--devices 1000000] [--tenants 100] [--requests 2000] [--rounds 5] [--sightings 100000]
 *     [--data FOLDER] keeps the filled database there, of which later runs of the same size begin with a copy
 *     [--only list,create,ingest] measures these alone
 */
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { Console, Effect, Layer, Logger, Option, Redacted, Schedule } from "effect"
import { spawnSync } from "node:child_process"
import { existsSync } from "node:fs"
import * as fs from "node:fs/promises"
import * as os from "node:os"
import * as path from "node:path"
import { defaultTenantId } from "../src/domain/identity/Tenant.ts"
import * as Cursors from "../src/domain/jsonapi/Cursors.ts"
import { DatabaseEndpoint } from "../src/layers/postgres/connection/DatabaseEndpoint.ts"
import { PgConnection } from "../src/layers/postgres/connection/PgConnection.ts"
import * as EmbeddedPostgres from "../src/layers/postgres/server/EmbeddedPostgres.ts"
import { migrations } from "../src/programs/core/ControlPlane.ts"
import { type Asked, Load, percentile } from "./controlPlane/Load.ts"
import { type Ingested, type Question, type Started, uidOf, vendors } from "./controlPlane/Protocol.ts"
import { Forked } from "./processes/Forked.ts"
import * as Usage from "./processes/Usage.ts"

interface Sizes {
  readonly devices: number
  readonly tenants: number
  readonly requests: number
  readonly rounds: number
  readonly sightings: number
  /** Where the filled database is kept. */
  readonly data: string | undefined
  /** All when it is empty. */
  readonly only: ReadonlySet<string>
}

const isWanted = ({ only }: Sizes, name: string): boolean => only.size === 0 || only.has(name)

/** Of the tenant that asks. */
const ownDevices = ({ devices, tenants }: Sizes): number => Math.floor(devices / tenants)

const fill = (sizes: Sizes): ReadonlyArray<string> => [
  `insert into serviceradar_control.tenants (id, name, slug, status, plan, max_devices, max_users, inserted_at, updated_at)
    select md5(n::text)::uuid, 'Tenant ' || n, 'tenant-' || n, 'active', 'enterprise', 1000000, 100, now(), now()
    from generate_series(1, ${sizes.tenants - 1}) n`,
  `insert into serviceradar_control.devices (tenant_id, uid, lifecycle, type_id, type, hostname, ip, vendor_name, region,
      first_seen_time, last_seen_time, created_time, modified_time, risk_score, is_managed, is_trusted, is_available,
      discovery_sources, partition_id)
    select case t when 0 then '${defaultTenantId}'::uuid else md5(t::text)::uuid end, 'sr:' || lpad(n::text, 8, '0'),
      'discovered', n % 10, 'Server', 'host-' || n, '10.' || n / 65536 % 256 || '.' || n / 256 % 256 || '.' || n % 256,
      'vendor ' || n % ${vendors}, 'region ' || n % 7, now() - interval '60 d', now() - interval '2 d', now(), now(), n % 100,
      false, false, n % 7 > 0, array['icmp'], 'default'
    from generate_series(0, ${sizes.tenants - 1}) t, generate_series(0, ${ownDevices(sizes) - 1}) n`,
  "vacuum analyze serviceradar_control.devices",
  "checkpoint"
]

interface Compared {
  readonly name: string
  readonly ours: (at: number) => Asked
  readonly hand: (at: number) => Asked
}

const device = (id: string, attributes: object): object => ({ data: { type: "device", id, attributes } })

/** Spread over all of the tenant's devices, the same for both. */
const spread = (at: number, of: number): number => (at * 7919) % of

const comparisons = (sizes: Sizes): ReadonlyArray<Compared> => {
  const own = ownDevices(sizes)
  const uid = (at: number) => uidOf(spread(at, own))
  const attributes = (at: number) => ({ hostname: `new-${at}`, ip: "192.0.2.7", vendor_name: "vendor 1" })
  let created = 0
  return [
    {
      name: "list",
      ours: (at) => ({
        method: "GET",
        path: `/api/v2/devices?page[limit]=50&page[after]=${Cursors.encode("", [uid(at)])}`
      }),
      hand: (at) => ({ method: "GET", path: `/hand/devices?limit=50&after=${uid(at)}` })
    },
    {
      name: "filtered list",
      ours: (at) => ({
        method: "GET",
        path: `/api/v2/devices?page[limit]=50&filter[vendor_name]=vendor%20${at % vendors}`
      }),
      hand: (at) => ({ method: "GET", path: `/hand/devices?limit=50&vendor=vendor%20${at % vendors}` })
    },
    {
      name: "get",
      ours: (at) => ({ method: "GET", path: `/api/v2/devices/${uid(at)}` }),
      hand: (at) => ({ method: "GET", path: `/hand/devices/${uid(at)}` })
    },
    {
      name: "create",
      ours: (at) => ({ method: "POST", path: "/api/v2/devices", body: device(`o:${created++}`, attributes(at)) }),
      hand: (at) => ({ method: "POST", path: "/hand/devices", body: device(`h:${created++}`, attributes(at)) })
    },
    {
      name: "update",
      ours: (at) => ({
        method: "PATCH",
        path: `/api/v2/devices/${uid(at)}`,
        body: device(uid(at), { name: `o${created++}` })
      }),
      hand: (at) => ({
        method: "PATCH",
        path: `/hand/devices/${uid(at)}`,
        body: device(uid(at), { name: `h${created++}` })
      })
    }
  ]
}

const temporary = Effect.acquireRelease(
  Effect.promise(() => fs.mkdtemp(path.join(os.tmpdir(), "serviceradar-bench-"))),
  (folder) => Effect.promise(() => fs.rm(folder, { recursive: true, force: true }))
)

const median = (values: ReadonlyArray<number>): number => percentile(values, 0.5)

interface Measured {
  readonly name: string
  /** Milliseconds of CPU of a request. */
  readonly ours: Spent
  readonly hand: Spent
  readonly ratio: number
  readonly p95: number
}

interface Spent {
  readonly core: number
  readonly postgres: number
}

const whole = ({ core, postgres }: Spent): number => core + postgres

const medianOf = (all: ReadonlyArray<Spent>): Spent => ({
  core: median(all.map(({ core }) => core)),
  postgres: median(all.map(({ postgres }) => postgres))
})

const measure = async (
  load: Load,
  cpu: () => Promise<Spent>,
  { hand, name, ours }: Compared,
  { requests, rounds }: Sizes
): Promise<Measured> => {
  const spent = async (make: (at: number) => Asked): Promise<Spent> => {
    const before = await cpu()
    await load.times(requests, 4, make)
    const after = await cpu()
    const of = (name: keyof Spent) => (after[name] - before[name]) * 1000 / requests
    return { core: of("core"), postgres: of("postgres") }
  }
  // As many as of a round: with a quarter of them the kind that came first was compiled while it was measured.
  await load.times(requests, 4, ours)
  await load.times(requests, 4, hand)
  const pairs: Array<readonly [Spent, Spent]> = []
  for (let round = 0; round < rounds; round++) {
    const [first, second] = round % 2 === 0 ? [ours, hand] : [hand, ours]
    const [a, b] = [await spent(first), await spent(second)]
    pairs.push(round % 2 === 0 ? [a, b] : [b, a])
  }
  return {
    name,
    ours: medianOf(pairs.map(([own]) => own)),
    hand: medianOf(pairs.map(([, other]) => other)),
    ratio: median(pairs.map(([own, other]) => whole(own) / whole(other))),
    p95: percentile(await load.times(Math.min(requests, 1000), 1, ours), 0.95)
  }
}

const measureAll = async (url: string, postmaster: number, sizes: Sizes) => {
  const server = new Forked(path.join(import.meta.dirname, "controlPlane", "server.ts"), { url })
  const ask = async <A>(question: Question): Promise<A> => JSON.parse(await server.ask(question))
  try {
    const { address, token } = await ask<Started>({ _tag: "Start" })
    const load = new Load(address, token)
    const cpu = async (): Promise<Spent> => ({
      core: await ask<number>({ _tag: "Cpu" }),
      postgres: Usage.cpuSeconds(postmaster)
    })
    const measured: Array<Measured> = []
    for (const compared of comparisons(sizes)) {
      if (isWanted(sizes, compared.name)) measured.push(await measure(load, cpu, compared, sizes))
    }
    load.close()
    if (!isWanted(sizes, "ingest")) return { measured, ingested: undefined }
    const own = ownDevices(sizes)
    const known = Math.min(sizes.sightings, own)
    const refreshed = await ask<Ingested>({ _tag: "Ingest", sightings: known, from: 0, round: 1 })
    const discovered = await ask<Ingested>({ _tag: "Ingest", sightings: sizes.sightings, from: own, round: 1 })
    const before = await cpu()
    const updated = await ask<Ingested>({ _tag: "Ingest", sightings: sizes.sightings, from: own, round: 2 })
    const after = await cpu()
    const microsOf = (name: keyof Spent) => (after[name] - before[name]) * 1e6 / sizes.sightings
    if (discovered.made !== sizes.sightings || updated.changed !== sizes.sightings || refreshed.changed !== known) {
      throw new Error(`not all were taken in: ${JSON.stringify({ refreshed, discovered, updated })}`)
    }
    return {
      measured,
      ingested: { discovered, updated, cpu: { core: microsOf("core"), postgres: microsOf("postgres") } }
    }
  } finally {
    await server.kill()
  }
}

/** A database in a folder, connected and with its tables. */
const opened = Effect.fnUntraced(function*(home: string) {
  const postgres = yield* EmbeddedPostgres.start({ home, port: 0, durable: false })
  yield* (yield* DatabaseEndpoint).publish(postgres.url)
  const connection = yield* PgConnection
  yield* Effect.forkScoped(connection.keep)
  yield* connection.check.pipe(Effect.retry(Schedule.spaced("20 millis")), Effect.timeout("60 seconds"))
  return { postgres, sql: yield* connection.client }
})

const filled = Effect.fnUntraced(function*(home: string, sizes: Sizes) {
  const { postgres, sql } = yield* opened(home)
  for (const statement of fill(sizes)) {
    const from = performance.now()
    yield* sql.unsafe(statement)
    yield* Console.error(`${statement.trimStart().slice(0, 60)}: ${Math.round((performance.now() - from) / 1000)} s`)
  }
  return postgres
})

/** Of the kept one, with the owners of its files: the server may run as another user. */
const copied = (from: string, to: string) =>
  Effect.suspend(() => {
    const { status } = spawnSync("cp", ["-a", "--reflink=auto", from, to], { stdio: "inherit" })
    return status === 0 ? Effect.void : Effect.die(new Error(`${from} cannot be copied to ${to}`))
  })

const measuredAt = Effect.fnUntraced(function*(sizes: Sizes) {
  const home = yield* temporary
  yield* Effect.promise(() => fs.chmod(home, 0o755))
  const own = path.join(home, "postgres")
  const { data } = sizes
  if (data === undefined) {
    const { pid, url } = yield* filled(own, sizes)
    return yield* Effect.promise(() => measureAll(Redacted.value(url), pid, sizes))
  }
  const kept = path.join(data, `devices-${sizes.devices}-of-${sizes.tenants}`)
  if (!existsSync(kept)) {
    yield* Effect.promise(() => fs.mkdir(data, { recursive: true }))
    yield* Effect.scoped(filled(`${kept}.part`, sizes)).pipe(Effect.provide(layer, { local: true }))
    yield* Effect.promise(() => fs.rename(`${kept}.part`, kept))
  }
  yield* copied(kept, own)
  const { postgres: { pid, url } } = yield* opened(own)
  return yield* Effect.promise(() => measureAll(Redacted.value(url), pid, sizes))
})

const layer = PgConnection.layer({ migrations, maxConnections: 2, parameters: { statement_timeout: "0" } }).pipe(
  Layer.provideMerge(DatabaseEndpoint.layer(Option.none())),
  Layer.provideMerge(NodeFileSystem.layer),
  Layer.provideMerge(Logger.layer([]))
)

const round = (value: number, digits = 2): number => Math.round(value * 10 ** digits) / 10 ** digits

export const run = async (options: ReadonlyMap<string, string>) => {
  const number = (name: string, otherwise: number) => Number(options.get(name) ?? otherwise)
  const sizes: Sizes = {
    devices: number("devices", 1_000_000),
    tenants: number("tenants", 100),
    requests: number("requests", 2000),
    rounds: number("rounds", 5),
    sightings: number("sightings", 100_000),
    data: options.get("data"),
    only: new Set(options.get("only")?.split(","))
  }
  const { ingested: taken, measured } = await Effect.runPromise(
    Effect.scoped(measuredAt(sizes)).pipe(Effect.provide(layer), Effect.provide(NodeFileSystem.layer))
  )
  const must: Readonly<Record<string, string>> = { list: "<= 1.5", create: "<= 2" }
  const ingested = (one: Ingested): number => Math.round(sizes.sightings / one.seconds)
  const ratios = Object.fromEntries(
    measured.map(({ name, ratio }) => [`${name.replaceAll(" ", "_")}_cpu_ratio`, round(ratio)])
  )
  const filtered = measured.find(({ name }) => name === "filtered list")?.p95
  return {
    rows: [
      ...measured.flatMap(({ hand, name, ours, p95, ratio }) => [
        {
          what: `${name}: CPU over that by hand`,
          value: ratio,
          unit: "times",
          ...(must[name] && { must: must[name] })
        },
        { what: `${name}: CPU of a request, by hand`, value: whole(hand), unit: "ms" },
        { what: `${name}: of that PostgreSQL, by hand`, value: hand.postgres, unit: "ms" },
        { what: `${name}: CPU of a request`, value: whole(ours), unit: "ms" },
        { what: `${name}: of that PostgreSQL`, value: ours.postgres, unit: "ms" },
        { what: `${name}: p95`, value: p95, unit: "ms", ...(name === "filtered list" && { must: "< 25" }) }
      ]),
      ...(taken === undefined ? [] : [
        { what: "devices that are new", value: ingested(taken.discovered), unit: "per s" },
        {
          what: "devices that are brought up to date",
          value: ingested(taken.updated),
          unit: "per s",
          must: ">= 10000",
          aim: "25000"
        },
        { what: "CPU of a device that is brought up to date", value: whole(taken.cpu), unit: "µs" },
        { what: "of that PostgreSQL", value: taken.cpu.postgres, unit: "µs" }
      ])
    ],
    result: {
      devices: sizes.devices,
      tenants: sizes.tenants,
      requests: sizes.requests,
      rounds: sizes.rounds,
      sightings: sizes.sightings,
      ...ratios,
      ...(filtered === undefined ? {} : { filtered_list_p95_ms: round(filtered) }),
      ...(taken === undefined
        ? {}
        : { ingest_per_s: ingested(taken.updated), ingest_new_per_s: ingested(taken.discovered) })
    }
  }
}
