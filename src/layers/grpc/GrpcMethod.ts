/**
 * What a generated service definition says about its methods, as types.
 *
 * ts-proto writes each method with its serializers, so request and response types are read from those: no second
 * description can drift from the wire.
 */
export interface MethodDefinition {
  readonly path: string
  readonly requestStream: boolean
  readonly responseStream: boolean
  // `never` accepts a serializer of any message; who calls it knows the type from `Request` or `Response`.
  readonly requestSerialize: (message: never) => Buffer
  readonly requestDeserialize: (bytes: Buffer) => unknown
  readonly responseSerialize: (message: never) => Buffer
  readonly responseDeserialize: (bytes: Buffer) => unknown
}

export type ServiceDefinition = { readonly [name: string]: MethodDefinition }

export type Request<M extends MethodDefinition> = ReturnType<M["requestDeserialize"]>

export type Response<M extends MethodDefinition> = ReturnType<M["responseDeserialize"]>

export type Kind<M extends MethodDefinition> = M["requestStream"] extends false
  ? M["responseStream"] extends false ? "unary" : "serverStream"
  : M["responseStream"] extends false ? "clientStream"
  : "bidi"

export type MethodKind = "unary" | "serverStream" | "clientStream" | "bidi"

export const kindOf = (method: MethodDefinition): MethodKind => {
  if (method.requestStream) return method.responseStream ? "bidi" : "clientStream"
  return method.responseStream ? "serverStream" : "unary"
}

/** `package.Service`, taken from the path of any method. */
export const serviceName = (definition: ServiceDefinition): string =>
  Object.values(definition)[0]?.path.split("/")[1] ?? ""

/** The part of a method definition that a client needs, with its message types known. */
export interface ClientMethodDefinition<Req, Res> {
  readonly path: string
  readonly requestSerialize: (message: Req) => Buffer
  /**
   * Over `http2`, of a stream once the message has gone out, else at the end of the call: nobody reads the bytes that the message was
   * serialized to any more. It is not told where somebody may.
   */
  readonly requestSent?: (message: Req) => void
  readonly responseDeserialize: (bytes: Buffer) => Res
}
