/**
 * The life of one HTTP/2 connection: pinged while it lives, closed when it has been idle or has become old.
 *
 * Closing is polite: the client hears GOAWAY, its running calls go on for `ageGrace`, new ones take a new connection.
 */
import type * as http2 from "node:http2"
import { later } from "../../../sockets/Timer.ts"

/** Milliseconds; infinite switches the rule off. */
export interface ConnectionLife {
  /** Until the client's first frame. */
  readonly handshakeMillis: number
  readonly keepaliveMillis: number
  readonly keepaliveTimeoutMillis: number
  readonly idleMillis: number
  readonly ageMillis: number
  readonly ageGraceMillis: number
}

/** Spreads the ends of connections that began together: up to a tenth more or less. */
const spread = (millis: number, random: number): number => millis * (0.9 + 0.2 * random)

/** Lets running calls go on for the grace, and no new one begin. */
export const retire = (session: http2.ServerHttp2Session, life: ConnectionLife): void => {
  if (session.destroyed) return
  session.close()
  session.once("close", later(life.ageGraceMillis, () => session.destroy()))
}

/** Watches over the session until it closes. `random` is between 0 and 1. */
export const watch = (session: http2.ServerHttp2Session, life: ConnectionLife, random: number): void => {
  const cancels = new Set<() => void>()
  let streams = 0
  let cancelIdle = () => {}
  const schedule = (millis: number, act: () => void): () => void => {
    const cancel = later(millis, () => {
      cancels.delete(cancel)
      if (!session.destroyed) act()
    })
    cancels.add(cancel)
    return () => {
      cancels.delete(cancel)
      cancel()
    }
  }
  const ping = () => {
    const cancel = schedule(life.keepaliveTimeoutMillis, () => session.destroy())
    const isSent = session.ping((error) => {
      cancel()
      if (error === null) schedule(life.keepaliveMillis, ping)
    })
    if (!isSent) session.destroy()
  }
  const idle = () => {
    cancelIdle = schedule(life.idleMillis, () => session.close())
  }
  session.on("stream", (stream) => {
    streams += 1
    cancelIdle()
    stream.once("close", () => {
      streams -= 1
      if (streams === 0 && !session.destroyed) idle()
    })
  })
  session.once("close", () => {
    for (const cancel of cancels) cancel()
    cancels.clear()
  })
  session.once("remoteSettings", schedule(life.handshakeMillis, () => session.destroy()))
  schedule(life.keepaliveMillis, ping)
  schedule(spread(life.ageMillis, random), () => retire(session, life))
  idle()
}
