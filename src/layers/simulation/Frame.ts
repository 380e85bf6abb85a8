/** What goes over a simulated connection: the frames of HTTP/2 that gRPC uses, a message whole in one. */
import type { GrpcMetadata } from "../grpc/GrpcMetadata.ts"

type FrameBody =
  | {
    readonly _tag: "Begin"
    readonly path: string
    readonly metadata: GrpcMetadata
    readonly timeoutMillis: number | undefined
  }
  | { readonly _tag: "Headers"; readonly metadata: GrpcMetadata }
  | { readonly _tag: "Message"; readonly bytes: Buffer }
  | { readonly _tag: "HalfClose" }
  | { readonly _tag: "End"; readonly code: number; readonly detail: string; readonly trailers: GrpcMetadata }
  | { readonly _tag: "Cancel" }
  /** The receiver has used so many bytes. */
  | { readonly _tag: "Window"; readonly bytes: number }
  /** Of a handshake, see `Handshake`. */
  | { readonly _tag: "Hello" }
  | { readonly _tag: "Certificate"; readonly pem: string }
  | { readonly _tag: "Ready" }
  /** The server asks for another connection; calls that come on this one all the same are answered. */
  | { readonly _tag: "GoAway" }
  | { readonly _tag: "Ping" }
  | { readonly _tag: "Pong" }

const headBytes = 120

export class Frame {
  /** Which call of the connection; 0 for the connection itself. */
  readonly call: number
  readonly body: FrameBody

  constructor(call: number, body: FrameBody) {
    this.call = call
    this.body = body
  }

  /** About what it has on the wire. */
  get size(): number {
    if (this.body._tag === "Message") return this.body.bytes.length + 14
    return this.body._tag === "Begin" || this.body._tag === "Headers" || this.body._tag === "End" ? headBytes : 13
  }
}
