/** Open ports for a sweep: one after another from the first, on every address of the loopback. */
import * as net from "node:net"
import * as Forked from "../processes/Forked.ts"

// boundary: whoever starts this gives these.
const { count, first } = JSON.parse(Forked.options()) as { readonly first: number; readonly count: number }

const listen = (port: number): Promise<void> =>
  new Promise((resolve, reject) => {
    const server = net.createServer({ pauseOnConnect: true }, (socket) => void socket.on("error", () => {}).destroy())
    server.once("error", reject)
    server.listen({ port, host: "0.0.0.0", backlog: 4096 }, resolve)
  })

const ready = Promise.all(Array.from({ length: count }, (_, at) => listen(first + at)))

Forked.answer(() => ready.then(() => true))
