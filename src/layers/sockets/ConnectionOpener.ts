/**
 * Opens TCP connections to addresses for those who only want to know whether they can be opened, thousands a second.
 *
 * It is handed to threads as text, so it uses nothing but its arguments.
 *
 * A connection is a handle of the system without the streams that Node puts around it and that nobody here needs. Node has
 * such handles, and no public way to them (`process.binding` of `tcp_wrap`): where a later one lets nobody have them, its
 * sockets are used.
 */
import type * as Net from "node:net"
import type * as Timers from "node:timers"
import type * as Util from "node:util"

export interface Connection {
  /** Of one that is open: without a TIME_WAIT. */
  readonly reset: () => unknown
  /** Of one that is not open yet, or never will be. */
  readonly close: () => unknown
}

/** Begins a connection; `told` hears of its end, or nothing once it was closed. Never before this returns. */
export type OpenConnection<A> = (attempt: A, host: string, port: number) => Connection

export interface OpenerOptions<A> {
  readonly usesSockets: boolean
  /** `code` is empty for an open port, else the system's word for why it is not. */
  readonly told: (attempt: A, code: string) => void
}

export const connectionOpener = <A>(
  net: typeof Net,
  timers: typeof Timers,
  util: typeof Util,
  { told, usesSockets }: OpenerOptions<A>
): OpenConnection<A> => {
  interface Request {
    oncomplete: (status: number, handle: Handle, request: Request) => void
    attempt: A | undefined
  }
  /** As Node has it inside; what it gives back is no error where it is 0. */
  interface Handle extends Connection {
    readonly connect: (request: Request, host: string, port: number) => number
    readonly connect6: (request: Request, host: string, port: number) => number
  }
  interface Binding {
    readonly TCP: new(type: number) => Handle
    readonly TCPConnectWrap: new() => Request
    readonly constants: { readonly SOCKET: number }
  }

  const isBinding = (found: unknown): found is Binding => {
    if (typeof found !== "object" || found === null) return false
    if (!("TCP" in found && "TCPConnectWrap" in found && "constants" in found)) return false
    const { TCP, TCPConnectWrap, constants } = found
    if (typeof TCP !== "function" || typeof TCPConnectWrap !== "function") return false
    if (typeof constants !== "object" || constants === null || !("SOCKET" in constants)) return false
    const prototype: unknown = TCP.prototype
    return typeof prototype === "object" && prototype !== null &&
      ["connect", "connect6", "reset", "close"].every((name) => name in prototype)
  }

  const findBinding = (): Binding | undefined => {
    try {
      const binding: unknown = Reflect.get(process, "binding")
      const found: unknown = typeof binding === "function" ? Reflect.apply(binding, process, ["tcp_wrap"]) : undefined
      return isBinding(found) ? found : undefined
    } catch {
      return undefined
    }
  }

  const byHandle = ({ TCP, TCPConnectWrap, constants }: Binding): OpenConnection<A> => {
    const onComplete = (status: number, _handle: Handle, request: Request): void => {
      const { attempt } = request
      request.attempt = undefined
      if (attempt !== undefined) told(attempt, status === 0 ? "" : util.getSystemErrorName(status))
    }
    return (attempt, host, port) => {
      const handle = new TCP(constants.SOCKET)
      const request = new TCPConnectWrap()
      request.oncomplete = onComplete
      request.attempt = attempt
      const status = host.includes(":") ? handle.connect6(request, host, port) : handle.connect(request, host, port)
      if (status !== 0) timers.setImmediate(onComplete, status, handle, request)
      return handle
    }
  }

  const bySocket: OpenConnection<A> = (attempt, host, port) => {
    const socket = new net.Socket()
    // Nothing is read, which saves telling the system that something would be.
    socket.pause()
    socket.on("error", (error: NodeJS.ErrnoException) => told(attempt, error.code ?? "unknown"))
    socket.on("connect", () => told(attempt, ""))
    socket.connect({ host, port, autoSelectFamily: false })
    return { reset: () => socket.resetAndDestroy(), close: () => socket.destroy() }
  }

  const binding = usesSockets ? undefined : findBinding()
  return binding === undefined ? bySocket : byHandle(binding)
}
