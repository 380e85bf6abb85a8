/**
 * Handlers bound to a service definition.
 */
import type * as grpc from "@grpc/grpc-js"
import type { Types } from "effect"
import * as GrpcMethod from "./GrpcMethod.ts"
import * as GrpcHandler from "./internal/GrpcHandler.ts"

/** Handlers of one service, ready to be served; `R` is what they need. */
export interface Service<out R> {
  readonly "~R": Types.Covariant<R>
  readonly name: string
  readonly register: (server: grpc.Server, run: GrpcHandler.Run<R>) => void
}

/** Binds handlers to a definition; forgetting a method is a compile error. */
export const service = <S extends GrpcMethod.ServiceDefinition, H extends GrpcHandler.Handlers<S>>(
  definition: S,
  handlers: H
): Service<GrpcHandler.Needs<GrpcHandler.HandlersContext<H>>> => {
  type R = GrpcHandler.HandlersContext<H>
  type Erased = GrpcHandler.HandlersByKind<unknown, never, R>
  // boundary: `Handlers` has matched each handler with the kind and messages of the method of the same name.
  const handler = <K extends keyof Erased>(name: string, _kind: K) => handlers[name] as Erased[K]
  const handle = (
    name: string,
    kind: GrpcMethod.MethodKind,
    run: GrpcHandler.Run<GrpcHandler.Needs<R>>
  ): Parameters<typeof grpc.Server.prototype.register<unknown, never>>[1] => {
    switch (kind) {
      case "unary":
        return GrpcHandler.unary(handler(name, kind), run)
      case "clientStream":
        return GrpcHandler.clientStream(handler(name, kind), run)
      case "serverStream":
        return GrpcHandler.serverStream(handler(name, kind), run)
      case "bidi":
        return GrpcHandler.bidi(handler(name, kind), run)
    }
  }
  return {
    "~R": (_) => _,
    name: GrpcMethod.serviceName(definition),
    register: (server, run) => {
      for (const [name, method] of Object.entries(definition)) {
        const kind = GrpcMethod.kindOf(method)
        server.register(method.path, handle(name, kind, run), method.responseSerialize, method.requestDeserialize, kind)
      }
    }
  }
}
