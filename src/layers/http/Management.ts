/**
 * What the parts of a program show of themselves over HTTP: routes, and checks of readiness.
 *
 * A part registers while it lives; the server of the program, see `ManagementServer`, answers with what is registered at
 * the time of the request. So a part knows nothing of the server, and the server nothing of the parts.
 */
import { Context, Effect, Layer, type Schema, type Scope } from "effect"
import type * as HttpServerRequest from "effect/http/HttpServerRequest"
import type * as HttpServerResponse from "effect/http/HttpServerResponse"
import type * as Readiness from "./Readiness.ts"

/** One path, answered to GET and HEAD, and to POST where it says how. */
export interface Route<out R> {
  readonly path: `/${string}`
  /** One sentence for the description of the API. */
  readonly summary: string
  /** What each parameter of the query may hold, by name. */
  readonly parameters?: ReadonlyMap<string, string>
  /** The document of status 200; text where there is none. */
  readonly answers?: Schema.Top
  /** Whether a request shows what the route judges by itself, in place of what everybody has to show. */
  readonly judges?: (headers: Readonly<Record<string, string | undefined>>) => boolean
  /** Answers each who has signed in with what is his, so a door that admits to no more than that leads here; default false. */
  readonly isPersonal?: boolean
  readonly handle: (query: URLSearchParams) => Effect.Effect<HttpServerResponse.HttpServerResponse, never, R>
  /** With the body, of at most 64 KiB. */
  readonly post?: (
    query: URLSearchParams,
    body: string
  ) => Effect.Effect<HttpServerResponse.HttpServerResponse, never, R>
}

/** Everything below a path, with any method; whoever answers it asks by itself who asks. */
export interface Mount<out R> {
  readonly path: `/${string}`
  /** What there is below it, each as `GET /path` with one sentence for the description of the API. */
  readonly summaries?: ReadonlyMap<string, string>
  readonly handle: (
    request: HttpServerRequest.HttpServerRequest
  ) => Effect.Effect<HttpServerResponse.HttpServerResponse, never, R>
}

/** To all that is not for everybody, or to the routes alone that answer each with what is his. */
export type Admission = "everything" | "own" | "nothing"

/** Who else may see what is not for everybody, beside those whom the server knows by itself. */
export interface Door<out R> {
  readonly admits: (request: HttpServerRequest.HttpServerRequest) => Effect.Effect<Admission, never, R>
  /** Where a browser is sent whom nobody lets in. */
  readonly signIn: `/${string}`
}

export interface Check<out R> {
  readonly name: string
  /** Fails with the reason why it is not ready. */
  readonly ready: Effect.Effect<void, { readonly message: string }, R>
}

/** What a part shows. Checks and paths keep the order of their registration. */
export interface Part<R> {
  readonly checks?: ReadonlyArray<Check<R>>
  readonly routes?: ReadonlyArray<Route<R>>
  readonly mounts?: ReadonlyArray<Mount<R>>
  readonly doors?: ReadonlyArray<Door<R>>
}

export interface Registered {
  readonly checks: ReadonlyArray<Readiness.Check>
  readonly routes: ReadonlyArray<Route<never>>
  readonly mounts: ReadonlyArray<Mount<never>>
  readonly doors: ReadonlyArray<Door<never>>
}

export class Management extends Context.Service<Management, {
  /** Until the scope closes. Of two routes with one path the first answers. */
  readonly register: <R>(part: Part<R>) => Effect.Effect<void, never, R | Scope.Scope>
  /** Changes identity whenever a part comes or goes. */
  readonly registered: () => Registered
}>()("serviceradar/layers/http/Management") {
  static readonly layer = Layer.sync(Management, () => {
    const parts = new Set<Registered>()
    let registered: Registered = { checks: [], routes: [], mounts: [], doors: [] }
    const collect = () => {
      registered = {
        checks: [...parts].flatMap(({ checks }) => checks),
        routes: [...parts].flatMap(({ routes }) => routes),
        mounts: [...parts].flatMap(({ mounts }) => mounts),
        doors: [...parts].flatMap(({ doors }) => doors)
      }
    }
    return {
      registered: () => registered,
      register: <R>({ checks = [], doors = [], mounts = [], routes = [] }: Part<R>) =>
        Effect.acquireRelease(
          Effect.map(Effect.context<R>(), (context) => {
            const part: Registered = {
              checks: checks.map(({ name, ready }) => ({ name, ready: Effect.provide(ready, context) })),
              mounts: mounts.map(({ handle, ...mount }) => ({
                ...mount,
                handle: (request) => Effect.provide(handle(request), context)
              })),
              doors: doors.map(({ admits, signIn }) => ({
                signIn,
                admits: (request) => Effect.provide(admits(request), context)
              })),
              routes: routes.map(({ post, ...route }) => ({
                ...route,
                handle: (query) => Effect.provide(route.handle(query), context),
                ...(post === undefined ? {} : {
                  post: (query: URLSearchParams, body: string) => Effect.provide(post(query, body), context)
                })
              }))
            }
            parts.add(part)
            collect()
            return part
          }),
          (part) =>
            Effect.sync(() => {
              parts.delete(part)
              collect()
            })
        ).pipe(Effect.asVoid)
    }
  })

  /** Registers for as long as the layer stands. */
  static readonly part = <R>(part: Part<R>): Layer.Layer<never, never, Exclude<R, Scope.Scope> | Management> =>
    Layer.effectDiscard(Management.use(({ register }) => register(part)))
}
