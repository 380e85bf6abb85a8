/**
 * What the control plane costs over the same API written by hand (`controlPlane/Hand.ts`), in the same process, over the same
 * driver and HTTP server: CPU of core and of PostgreSQL together, for each kind of request; and how many devices are taken in.
 *
 *   npm run bench -- control-plane [--devices 1000000] [--tenants 100] [--requests 2000] [--rounds 5] [--sightings 100000]
 */
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { Console, Effect, Layer, Logger, Option, Redacted, Schedule } from "effect"
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
}

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
  readonly ours: number
  readonly hand: number
  readonly ratio: number
  readonly p95: number
}

const measure = async (
  load: Load,
  cpu: () => Promise<number>,
  { hand, name, ours }: Compared,
  { requests, rounds }: Sizes
): Promise<Measured> => {
  const spent = async (make: (at: number) => Asked): Promise<number> => {
    const before = await cpu()
    await load.times(requests, 4, make)
    return (await cpu() - before) * 1000 / requests
  }
  await load.times(requests / 4, 4, ours)
  await load.times(requests / 4, 4, hand)
  const pairs: Array<readonly [number, number]> = []
  for (let round = 0; round < rounds; round++) {
    const [first, second] = round % 2 === 0 ? [ours, hand] : [hand, ours]
    const [a, b] = [await spent(first), await spent(second)]
    pairs.push(round % 2 === 0 ? [a, b] : [b, a])
  }
  return {
    name,
    ours: median(pairs.map(([own]) => own)),
    hand: median(pairs.map(([, other]) => other)),
    ratio: median(pairs.map(([own, other]) => own / other)),
    p95: percentile(await load.times(Math.min(requests, 1000), 1, ours), 0.95)
  }
}

const measureAll = async (url: string, postmaster: number, sizes: Sizes) => {
  const server = new Forked(path.join(import.meta.dirname, "controlPlane", "server.ts"), { url })
  const ask = async <A>(question: Question): Promise<A> => JSON.parse(await server.ask(question))
  try {
    const { address, token } = await ask<Started>({ _tag: "Start" })
    const load = new Load(address, token)
    const cpu = async () => await ask<number>({ _tag: "Cpu" }) + Usage.cpuSeconds(postmaster)
    const measured: Array<Measured> = []
    for (const compared of comparisons(sizes)) measured.push(await measure(load, cpu, compared, sizes))
    load.close()
    const own = ownDevices(sizes)
    const known = Math.min(sizes.sightings, own)
    const refreshed = await ask<Ingested>({ _tag: "Ingest", sightings: known, from: 0, round: 1 })
    const discovered = await ask<Ingested>({ _tag: "Ingest", sightings: sizes.sightings, from: own, round: 1 })
    const updated = await ask<Ingested>({ _tag: "Ingest", sightings: sizes.sightings, from: own, round: 2 })
    if (discovered.made !== sizes.sightings || updated.changed !== sizes.sightings || refreshed.changed !== known) {
      throw new Error(`not all were taken in: ${JSON.stringify({ refreshed, discovered, updated })}`)
    }
    return { measured, discovered, updated }
  } finally {
    await server.kill()
  }
}

const measuredAt = Effect.fnUntraced(function*(sizes: Sizes) {
  const home = yield* temporary
  yield* Effect.promise(() => fs.chmod(home, 0o755))
  const postgres = yield* EmbeddedPostgres.start({ home: path.join(home, "postgres"), port: 0, durable: false })
  yield* (yield* DatabaseEndpoint).publish(postgres.url)
  const connection = yield* PgConnection
  yield* Effect.forkScoped(connection.keep)
  yield* connection.check.pipe(Effect.retry(Schedule.spaced("20 millis")), Effect.timeout("60 seconds"))
  const sql = yield* connection.client
  for (const statement of fill(sizes)) {
    const from = performance.now()
    yield* sql.unsafe(statement)
    yield* Console.error(`${statement.trimStart().slice(0, 60)}: ${Math.round((performance.now() - from) / 1000)} s`)
  }
  return yield* Effect.promise(() => measureAll(Redacted.value(postgres.url), postgres.pid, sizes))
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
    sightings: number("sightings", 100_000)
  }
  const { discovered, measured, updated } = await Effect.runPromise(
    Effect.scoped(measuredAt(sizes)).pipe(Effect.provide(layer))
  )
  const must: Readonly<Record<string, string>> = { list: "<= 1.5", create: "<= 2" }
  const ingested = (one: Ingested): number => Math.round(sizes.sightings / one.seconds)
  const ratios = Object.fromEntries(
    measured.map(({ name, ratio }) => [`${name.replaceAll(" ", "_")}_cpu_ratio`, round(ratio)])
  )
  const filtered = measured.find(({ name }) => name === "filtered list")?.p95 ?? 0
  return {
    rows: [
      ...measured.flatMap(({ hand, name, ours, p95, ratio }) => [
        {
          what: `${name}: CPU over that by hand`,
          value: ratio,
          unit: "times",
          ...(must[name] && { must: must[name] })
        },
        { what: `${name}: CPU of a request, by hand`, value: hand, unit: "ms" },
        { what: `${name}: CPU of a request`, value: ours, unit: "ms" },
        { what: `${name}: p95`, value: p95, unit: "ms", ...(name === "filtered list" && { must: "< 25" }) }
      ]),
      { what: "devices that are new", value: ingested(discovered), unit: "per s" },
      {
        what: "devices that are brought up to date",
        value: ingested(updated),
        unit: "per s",
        must: ">= 10000",
        aim: "25000"
      }
    ],
    result: {
      ...sizes,
      ...ratios,
      filtered_list_p95_ms: round(filtered),
      ingest_per_s: ingested(updated),
      ingest_new_per_s: ingested(discovered)
    }
  }
}
