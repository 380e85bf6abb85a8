/**
 * Sends messages of very many empty statuses to a core, from a process of its own: building and sending them must not
 * be what a neighbour waits for.
 *
 *   node elementBombs.ts ADDRESS unary|headless|stream COUNT STATUSES
 *
 * Prints the status codes as a JSON array.
 */
import * as grpc from "@grpc/grpc-js"

const [address = "", kind = "unary", count = "1", statuses = "1"] = process.argv.slice(2)

/** poller_id and timestamp (of a headless one not even those), then `services`, empty, over and over: two bytes make a whole object of generated code. */
const bomb = Buffer.concat([
  Buffer.from(kind === "headless" ? [] : [0x12, 4, ...Buffer.from("bomb"), 0x2a, 1, 0x64]),
  Buffer.alloc(2 * Number(statuses), Buffer.from([0x0a, 0]))
])

const raw = (bytes: Buffer) => bytes
const deadline = () => ({ deadline: Date.now() + 30_000 })

const connect = () =>
  new grpc.Client(address, grpc.credentials.createInsecure(), {
    "grpc.use_local_subchannel_pool": 1,
    "grpc.max_send_message_length": -1
  })

const sendOne = (): Promise<number> =>
  new Promise((resolve) => {
    const client = connect()
    client.makeUnaryRequest("/monitoring.PollerService/ReportStatus", raw, raw, bomb, deadline(), (error) => {
      client.close()
      resolve(error?.code ?? grpc.status.OK)
    })
  })

const streamAll = (chunks: number): Promise<number> =>
  new Promise((resolve) => {
    const client = connect()
    const path = "/monitoring.PollerService/StreamStatus"
    const call = client.makeClientStreamRequest(path, raw, raw, deadline(), (error) => {
      client.close()
      resolve(error?.code ?? grpc.status.OK)
    })
    call.on("error", () => undefined)
    for (let index = 0; index < chunks; index += 1) call.write(Buffer.concat([bomb, Buffer.from([0x40, index])]))
    call.end()
  })

const codes = kind === "stream"
  ? [await streamAll(Number(count))]
  : await Promise.all(Array.from({ length: Number(count) }, sendOne))
process.stdout.write(JSON.stringify(codes))
