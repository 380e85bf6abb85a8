/**
 * What a stream of a million rows adds to the memory of core, as operators run it and ask it: a process of its own, over HTTP. The
 * reader takes rows as they come. Several streams, one after the other, each against the memory before the first.
 */
import { Effect, Option, Redacted, Stream } from "effect"
import * as fs from "node:fs/promises"
import * as http from "node:http"
import * as path from "node:path"
import { DatabaseEndpoint } from "../../src/layers/postgres/connection/DatabaseEndpoint.ts"
import * as FreePort from "../../src/layers/process/endpoint/FreePort.ts"
import { ChildProgram } from "../processes/ChildProgram.ts"
import * as Usage from "../processes/Usage.ts"

const launcher = path.join(import.meta.dirname, "../../bin/serviceradar.mjs")

/** A core over the same database, until the scope closes. */
const started = Effect.fnUntraced(function*(folder: string) {
  const [url] = yield* Stream.runCollect(Stream.take((yield* DatabaseEndpoint).urls, 1))
  const ports = { grpc: yield* FreePort.next("127.0.0.1", 0), http: yield* FreePort.next("127.0.0.1", 0) }
  const config = path.join(folder, "core.json")
  const text = { listen_addr: `127.0.0.1:${ports.http}`, grpc_addr: `127.0.0.1:${ports.grpc}` }
  yield* Effect.promise(() => fs.writeFile(config, JSON.stringify(text)))
  const env = { DATABASE_URL: Redacted.value(url ?? Redacted.make("")) }
  const core = yield* Effect.acquireRelease(
    Effect.sync(() => new ChildProgram([launcher, "core", "--config", config], env)),
    (child) => Effect.promise(() => child.stop())
  )
  return { core, base: `http://127.0.0.1:${ports.http}` }
})

interface Read {
  readonly status: number
  readonly rows: number
}

const newline = 10

/** Counts the lines of an answer. */
const read = (url: string) =>
  Effect.callback<Read>((resume) => {
    const request = http.get(url, (response) => {
      let rows = 0
      response.on("data", (chunk: Buffer) => {
        for (const byte of chunk) if (byte === newline) rows += 1
      })
      response.on("close", () => resume(Effect.succeed({ status: response.statusCode ?? 0, rows })))
    })
    request.on("error", () => resume(Effect.succeed({ status: 0, rows: 0 })))
    return Effect.sync(() => request.destroy())
  })

const queried = (query: string, more = ""): string => `/api/query?query=${encodeURIComponent(query)}${more}`

export const measure = Effect.fnUntraced(function*(folder: string, rows: number, times: number) {
  const { base, core } = yield* started(folder)
  const warmUp = read(`${base}${queried("in:timeseries limit:100")}`)
  yield* Effect.repeat(
    Effect.andThen(Effect.sleep("100 millis"), warmUp),
    { until: ({ status }) => status === 200 || !core.isRunning, times: 300 }
  )
  yield* Effect.sleep("3 seconds")
  const before = Usage.residentMegabytes(core.pid)
  const streams: Array<{ readonly rows: number; readonly added: number; readonly seconds: number }> = []
  for (let time = 0; time < times; time++) {
    let most = 0
    const watching = setInterval(() => most = Math.max(most, Usage.residentMegabytes(core.pid)), 50)
    const from = performance.now()
    const answer = yield* read(`${base}${queried(`in:timeseries limit:${rows}`, "&format=ndjson")}`)
    clearInterval(watching)
    streams.push({ rows: answer.rows, added: most - before, seconds: (performance.now() - from) / 1000 })
  }
  const worst = streams.reduce((one, other) => other.added > one.added ? other : one, { rows: 0, added: 0, seconds: 0 })
  const whole = streams.every((one) => one.rows === rows)
  return Option.liftPredicate({ before, streams, worst }, () => whole)
}, Effect.scoped)
