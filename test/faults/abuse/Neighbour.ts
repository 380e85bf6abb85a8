/** Who behaves well beside abuse: one connection that is kept, with one call after the other; it is an error to lose it. */
import { Data, Effect, Exit, Scope } from "effect"
import * as fs from "node:fs"
import * as http from "node:http"
import * as h2 from "node:http2"
import * as https from "node:https"
import type { Order } from "../../fixtures/abuse/abuser.ts"
import * as H2 from "../../fixtures/abuse/frames.ts"

export class NeighbourHarmed extends Data.TaggedError("NeighbourHarmed")<{ readonly message: string }> {}

/** Answers when the call has been answered. */
export interface Kept {
  readonly call: Effect.Effect<void, NeighbourHarmed>
}

export interface Place {
  readonly port: number
  readonly tls?: NonNullable<Order["tls"]>
}

const limitMillis = 10_000

const harmed = (message: string) => new NeighbourHarmed({ message })

const pems = ({ tls }: Place) =>
  tls === undefined
    ? {}
    : { cert: fs.readFileSync(tls.cert), key: fs.readFileSync(tls.key), ca: fs.readFileSync(tls.ca) }

const within = (call: Effect.Effect<void, NeighbourHarmed>) =>
  Effect.timeoutOrElse(call, {
    duration: limitMillis,
    orElse: () => Effect.fail(harmed(`no answer within ${limitMillis} ms`))
  })

/** A connection whose first call has been answered. What comes of an attempt that fails goes with it. */
const answered = (kept: Effect.Effect<Kept, NeighbourHarmed, Scope.Scope>, scope: Scope.Scope) =>
  Effect.gen(function*() {
    const own = yield* Scope.fork(scope)
    return yield* Effect.tap(kept, ({ call }) => call).pipe(
      Scope.provide(own),
      Effect.tapError(() => Scope.close(own, Exit.void))
    )
  })

/** One method of gRPC, called by hand: a client of ours would connect again without a word. */
export const grpc = (
  place: Place,
  { path, request }: { readonly path: string; readonly request: Uint8Array },
  scope: Scope.Scope
) => {
  const connect = () => {
    const session = h2.connect(`${place.tls === undefined ? "http" : "https"}://localhost:${place.port}`, {
      host: "127.0.0.1",
      servername: "localhost",
      ...pems(place)
    })
    const state = { lost: "" }
    session.on("error", ({ message }: Error) => {
      state.lost = message
    })
    session.once("close", () => {
      state.lost ||= "the connection was closed"
    })
    return { session, state }
  }
  const message = H2.message(request)
  const call = ({ session, state }: ReturnType<typeof connect>) =>
    Effect.callback<void, NeighbourHarmed>((resume) => {
      if (state.lost !== "") return resume(Effect.fail(harmed(state.lost)))
      const stream = session.request({
        ":method": "POST",
        ":path": path,
        "content-type": "application/grpc",
        te: "trailers"
      })
      let status = "none"
      const note = (headers: h2.IncomingHttpHeaders) => {
        status = String(headers["grpc-status"] ?? status)
      }
      stream.on("response", note).on("trailers", note).on("error", () => {}).resume()
      stream.once("close", () =>
        resume(
          status === "0" ? Effect.void : Effect.fail(harmed(state.lost || `the call ended with status ${status}`))
        ))
      stream.end(message)
    })
  const kept = Effect.map(
    Effect.acquireRelease(Effect.sync(connect), ({ session }) => Effect.sync(() => session.destroy())),
    (connected): Kept => ({ call: within(call(connected)) })
  )
  return answered(kept, scope)
}

/** Liveness over HTTP, or HTTPS with a certificate. */
export const http1 = (place: Place, scope: Scope.Scope) => {
  const secured = place.tls !== undefined
  const options = { keepAlive: true, maxSockets: 1 }
  const open = () =>
    secured ? new https.Agent({ ...options, ...pems(place), servername: "localhost" }) : new http.Agent(options)
  const call = (agent: http.Agent, first: { port?: number | undefined }) =>
    Effect.callback<void, NeighbourHarmed>((resume) => {
      const get = secured ? https.get : http.get
      const request = get({ host: "127.0.0.1", port: place.port, path: "/health/live", agent }, (response) => {
        const local = response.socket.localPort
        first.port ??= local
        response.resume().once("end", () =>
          resume(
            response.statusCode === 200 && local === first.port
              ? Effect.void
              : Effect.fail(harmed(`the connection was lost, or answered with ${response.statusCode}`))
          ))
      })
      request.once("error", ({ message }) => resume(Effect.fail(harmed(message))))
    })
  const kept = Effect.map(
    Effect.acquireRelease(Effect.sync(open), (agent) => Effect.sync(() => agent.destroy())),
    (agent): Kept => {
      const first = {}
      return { call: within(call(agent, first)) }
    }
  )
  return answered(kept, scope)
}
