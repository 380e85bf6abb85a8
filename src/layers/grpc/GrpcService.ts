/**
 * Handlers bound to a service definition.
 */
import type { Types } from "effect"
import * as GrpcMethod from "./GrpcMethod.ts"
import * as GrpcHandler from "./internal/server/GrpcHandler.ts"

export { direct } from "./internal/server/GrpcHandler.ts"

/** Handlers of one service, ready to be served; `R` is what they need. */
export interface Service<out R> {
  readonly "~R": Types.Covariant<R>
  readonly name: string
  /** By the path of the method. */
  readonly methods: ReadonlyMap<string, GrpcHandler.Serve<R>>
}

/** Binds handlers to a definition; forgetting a method is a compile error. */
export const service = <S extends GrpcMethod.ServiceDefinition, H extends GrpcHandler.Handlers<S>>(
  definition: S,
  handlers: H
): Service<GrpcHandler.Needs<GrpcHandler.HandlersContext<H>>> => {
  type R = GrpcHandler.Needs<GrpcHandler.HandlersContext<H>>
  type Erased = GrpcHandler.HandlersByKind<unknown, never, R>
  // boundary: `Handlers` has matched each handler with the kind and messages of the method of the same name.
  const handler = <K extends keyof Erased>(name: string, _kind: K) => handlers[name] as Erased[K]
  const serve = (name: string, method: GrpcMethod.MethodDefinition): GrpcHandler.Serve<R> => {
    const kind = GrpcMethod.kindOf(method)
    switch (kind) {
      case "unary":
        return GrpcHandler.unary(method, handler(name, kind))
      case "clientStream":
        return GrpcHandler.clientStream(method, handler(name, kind))
      case "serverStream":
        return GrpcHandler.serverStream(method, handler(name, kind))
      case "bidi":
        return GrpcHandler.bidi(method, handler(name, kind))
    }
  }
  return {
    "~R": (_) => _,
    name: GrpcMethod.serviceName(definition),
    methods: new Map(Object.entries(definition).map(([name, method]) => [method.path, serve(name, method)]))
  }
}
