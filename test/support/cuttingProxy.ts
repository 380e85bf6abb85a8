/** A TCP proxy that cuts its connections when the client has sent a text for the n-th time: what follows never arrives. */
import { Effect } from "effect"
import * as net from "node:net"

const startProxy = async (target: number, text: string) => {
  let limit: number | undefined
  let seen = 0
  const open = new Set<net.Socket>()
  const server = net.createServer((client) => {
    const upstream = net.connect(target, "127.0.0.1")
    let rest = Buffer.alloc(0)
    let isCut = false
    const destroy = () => {
      client.destroy()
      upstream.destroy()
    }
    for (const socket of [client, upstream]) {
      open.add(socket)
      socket.on("error", destroy)
      socket.on("close", () => {
        open.delete(socket)
        destroy()
      })
    }
    upstream.on("data", (part) => client.write(part))
    client.on("data", (part: Buffer) => {
      if (isCut) return
      // The text may begin in one piece and end in the next.
      const all = Buffer.concat([rest, part])
      for (let at = all.indexOf(text); at !== -1; at = all.indexOf(text, at + 1)) {
        if (limit !== undefined && seen >= limit) {
          isCut = true
          upstream.end(part.subarray(0, Math.max(0, at - rest.length)))
          setTimeout(destroy, 20)
          return
        }
        seen += 1
      }
      rest = Buffer.from(all.subarray(Math.max(0, all.length - text.length + 1)))
      upstream.write(part)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const bound = server.address()
  return {
    port: typeof bound === "object" && bound !== null ? bound.port : 0,
    /** Cuts before the text comes for this time, counted from now; undefined lets everything through. */
    cutAt: (time: number | undefined) => {
      limit = time
      seen = 0
    },
    /** How often the text went through since `cutAt`. */
    seen: () => seen,
    stop: () => {
      server.close()
      for (const socket of open) socket.destroy()
    }
  }
}

/** In front of a server on this machine, until the scope closes. */
export const make = (target: number, text: string) =>
  Effect.acquireRelease(
    Effect.promise(() => startProxy(target, text)),
    ({ stop }) => Effect.sync(stop)
  )
