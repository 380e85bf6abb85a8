/**
 * What the fake sources have in common: a server on the loopback that remembers what it was asked, and can be changed
 * from outside.
 *
 * `POST /_control` with `{"devices":N,"faults":["500@3*1"]}` changes it, `GET /_requests` tells what it was asked.
 */
import { Effect, Option, Schema, type Scope } from "effect"
import * as http from "node:http"
import * as Faults from "./Faults.ts"
import type * as Inventory from "./Inventory.ts"

const host = "127.0.0.1"

/** A fake that could not be started, such as on a port that is taken. */
export class FakeSourceError extends Schema.TaggedError<FakeSourceError>()("FakeSourceError", {
  port: Schema.Int,
  detail: Schema.String
}) {
  override get message(): string {
    return `The fake source cannot listen on ${host}:${this.port}: ${this.detail}`
  }
}

export interface FakeOptions {
  readonly devices: number
  /** 0 or none for any free one. */
  readonly port?: number
  /** Which addresses the devices have; those of the benchmark network (RFC 2544) are nobody's. Default private. */
  readonly network?: Inventory.Network
  /** Whether `/_control` and `/_requests` answer. */
  readonly isControlled?: boolean
}

export interface Change {
  readonly devices?: number
  readonly faults?: ReadonlyArray<Faults.Fault>
  /** Changes what devices are called. */
  readonly revision?: number
}

export interface FakeSource {
  readonly url: string
  readonly port: number
  /** Method and path with query, in order; the first ten thousand. */
  readonly requests: ReadonlyArray<string>
  readonly set: (change: Change) => void
  /** As when its machine dies: all connections break. */
  readonly close: Effect.Effect<void>
}

/** How it stands. */
export interface FakeState {
  readonly network: Inventory.Network
  devices: number
  revision: number
  readonly plan: Faults.FaultPlan
}

export interface Call {
  readonly request: http.IncomingMessage
  readonly response: http.ServerResponse
  readonly url: URL
  readonly port: number
  readonly state: FakeState
  /** Ends the fake without an answer. */
  readonly die: () => void
}

const requestsKept = 10_000
const bodyBytesMax = 10 * 1024 * 1024

/** All of a request's body; rejects when it is too long. */
export const bodyOf = (request: http.IncomingMessage): Promise<string> =>
  new Promise((resolve, reject) => {
    const parts: Array<Buffer> = []
    let bytes = 0
    request.on("data", (part: Buffer) => {
      bytes += part.length
      if (bytes > bodyBytesMax) return void request.destroy(new Error(`a body of more than ${bodyBytesMax} bytes`))
      parts.push(part)
    })
    request.once("error", reject)
    request.once("end", () => resolve(Buffer.concat(parts).toString("utf8")))
  })

const Count = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 100_000_000 }))

const Control = Schema.fromJsonString(Schema.Struct({
  devices: Schema.optionalKey(Count),
  revision: Schema.optionalKey(Count),
  faults: Schema.optionalKey(Schema.Array(Schema.String))
}))
const decodeControl = Schema.decodeUnknownOption(Control)

/** None when the text is no change. */
const changeOf = (text: string): Option.Option<Change> =>
  Option.flatMap(decodeControl(text), ({ faults, ...numbers }) =>
    faults === undefined
      ? Option.some(numbers)
      : Option.map(Option.all(faults.map(Faults.parse)), (parsed) => ({ ...numbers, faults: parsed })))

const expected = "{\"error\":\"expected {\\\"devices\\\":100,\\\"faults\\\":[\\\"500@3*1\\\"]}\"}"

/** Runs until the scope closes. */
export const serve = Effect.fnUntraced(function*(
  options: FakeOptions,
  answer: (call: Call) => void
): Effect.fn.Return<FakeSource, FakeSourceError, Scope.Scope> {
  const state: FakeState = {
    network: options.network ?? "private",
    devices: options.devices,
    revision: 0,
    plan: new Faults.FaultPlan()
  }
  const requests: Array<string> = []

  const set = (change: Change): void => {
    state.devices = change.devices ?? state.devices
    state.revision = change.revision ?? state.revision
    if (change.faults !== undefined) state.plan.set(change.faults)
  }

  const control = (request: http.IncomingMessage, response: http.ServerResponse): void => {
    const settle = (change: Option.Option<Change>): void => {
      if (Option.isNone(change)) return Faults.json(response, 400, expected)
      set(change.value)
      Faults.json(response, 200, "{}")
    }
    bodyOf(request).then((text) => settle(changeOf(text)), () => response.destroy())
  }

  let port = options.port ?? 0
  const server = http.createServer((request, response) => {
    const url = URL.parse(request.url ?? "/", `http://${host}`)
    if (url === null) return Faults.json(response, 400, "{}")
    if (options.isControlled === true && url.pathname === "/_requests") {
      return Faults.json(response, 200, JSON.stringify(requests))
    }
    if (options.isControlled === true && url.pathname === "/_control") return control(request, response)
    if (requests.length < requestsKept) requests.push(`${request.method} ${request.url}`)
    answer({ request, response, url, port, state, die: stop })
  })
  const stop = (): void => {
    server.close()
    server.closeAllConnections()
  }

  yield* Effect.acquireRelease(
    Effect.callback<void, FakeSourceError>((resume) => {
      const refuse = (error: Error) => resume(Effect.fail(new FakeSourceError({ port, detail: error.message })))
      server.once("error", refuse)
      server.listen(port, host, () => {
        server.off("error", refuse)
        resume(Effect.void)
      })
    }),
    () => Effect.sync(stop)
  )
  const bound = server.address()
  port = typeof bound === "object" && bound !== null ? bound.port : 0
  return { url: `http://${host}:${port}`, port, requests, set, close: Effect.sync(stop) }
})
