/**
 * A process of agents, one port for each, on `node:http2` with as little around it as there can be: what they take of the
 * machine, the poller has not. It counts the calls of each poller and, when it is told to, keeps when each came.
 *
 * Told to be bad, each hangs, resets its connections, answers garbage, or floods the poller with answers of 3 MB; of each
 * kind there are as many.
 */
import * as fs from "node:fs"
import * as http2 from "node:http2"
import type { AddressInfo } from "node:net"
import * as os from "node:os"
import { ResultsChunk, StatusRequest, StatusResponse } from "../../src/gen/monitoring/monitoring.ts"
import * as Forked from "../processes/Forked.ts"
import * as Inventory from "./Inventory.ts"
import { type AgentsOptions, type Arrival, type BadKind, badKinds, type Question } from "./Protocol.ts"

const options: AgentsOptions = JSON.parse(Forked.options())
if (options.isLast === true) os.setPriority(os.constants.priority.PRIORITY_LOW)

const calls = new Map<string, number>()
const firstMillis = new Map<string, number>()
let arrivals: Array<Arrival> | undefined
let resultBytes = 0
let isBad = false
let kinds: ReadonlyArray<BadKind> = badKinds

const now = () => performance.timeOrigin + performance.now()

const note = ({ agentId, pollerId, serviceName }: StatusRequest) => {
  calls.set(pollerId, (calls.get(pollerId) ?? 0) + 1)
  if (!firstMillis.has(agentId)) firstMillis.set(agentId, now())
  arrivals?.push([`${pollerId} ${agentId} ${serviceName}`, now()])
}

const framed = (payload: Uint8Array): Buffer => {
  const frame = Buffer.alloc(5 + payload.length)
  frame.writeUInt32BE(payload.length, 1)
  frame.set(payload, 5)
  return frame
}

const status = (message: string): Buffer =>
  framed(
    StatusResponse.encode({
      available: true,
      message: Buffer.from(message),
      serviceName: "",
      serviceType: "",
      responseTime: 1_234_567n,
      agentId: "",
      pollerId: ""
    }).finish()
  )

const fine = status("{\"host\":\"127.0.0.1\",\"port\":22,\"response_time\":1234567}")
const floodRows = Array.from({ length: 60_000 }, (_, index) => ({ row: index, name: "a name of a row in a table" }))
let flood: Buffer | undefined
const garbage = framed(Buffer.alloc(200, 0xff))

const headers = { ":status": 200, "content-type": "application/grpc+proto" }

/** Ends with the trailers of success once all that was written is out. */
const begin = (stream: http2.ServerHttp2Stream) => {
  stream.respond(headers, { waitForTrailers: true })
  stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }))
}

const sendResults = async (stream: http2.ServerHttp2Stream) => {
  begin(stream)
  const total = options.devices / Inventory.devicesPerChunk
  for (let chunkIndex = 0; chunkIndex < total; chunkIndex++) {
    const data = Inventory.chunk(chunkIndex)
    resultBytes += data.length
    const chunk = { data, isFinal: chunkIndex === total - 1, chunkIndex, totalChunks: total, currentSequence: "1" }
    const frame = framed(ResultsChunk.encode({ ...chunk, timestamp: 0n }).finish())
    if (!stream.write(frame)) await new Promise((resolve) => stream.once("drain", resolve))
  }
  stream.end()
}

const answerAs = (kind: BadKind | undefined, stream: http2.ServerHttp2Stream) => {
  if (!isBad) {
    begin(stream)
    return stream.end(fine)
  }
  if (kind === "hang") return
  if (kind === "reset") return stream.session?.destroy()
  flood ??= status(JSON.stringify({ rows: floodRows }))
  begin(stream)
  stream.end(kind === "flood" ? flood : garbage)
}

const files = options.tls
const newServer = (): http2.Http2Server =>
  files === undefined ? http2.createServer() : http2.createSecureServer({
    cert: fs.readFileSync(files.cert),
    key: fs.readFileSync(files.key),
    ca: fs.readFileSync(files.ca),
    requestCert: true,
    rejectUnauthorized: true
  })

const listen = (port: number, index: number) => {
  const server = newServer()
  server.on("sessionError", () => {})
  server.on("stream", (stream, { ":path": path = "" }) => {
    const parts: Array<Buffer> = []
    stream.on("error", () => {})
    stream.on("data", (part: Buffer) => parts.push(part))
    stream.on("end", () => {
      // Its connection was reset, or the poller has given it up.
      if (stream.destroyed) return
      // None has a health service, as an old checker has none.
      if (path.endsWith("/StreamResults")) return void sendResults(stream)
      if (!path.endsWith("/GetStatus")) return stream.respond({ ...headers, "grpc-status": "12" }, { endStream: true })
      const [first = Buffer.alloc(5)] = parts
      note(StatusRequest.decode((parts.length === 1 ? first : Buffer.concat(parts)).subarray(5)))
      answerAs(kinds[index % kinds.length], stream)
    })
  })
  return new Promise<number>((resolve, reject) => {
    server.once("error", reject)
    server.listen(port, "127.0.0.1", () => {
      // boundary: a server that listens on a port has such an address
      resolve((server.address() as AddressInfo).port)
    })
  })
}

const ports = Promise.all(options.ports.map(listen))
const readyMillis = ports.then(now)

Forked.answer(async (text) => {
  const { ask, kinds: wanted }: Question = JSON.parse(text)
  switch (ask) {
    case "ports":
      return await ports
    case "calls":
      return Object.fromEntries(calls)
    case "record":
      arrivals = []
      return true
    case "arrivals": {
      const taken = arrivals ?? []
      arrivals = undefined
      return taken
    }
    case "returned": {
      const ready = await readyMillis
      return [...firstMillis.values()].map((millis) => millis - ready)
    }
    case "bytes":
      return resultBytes
    default:
      isBad = ask === "bad"
      kinds = wanted ?? badKinds
      return isBad
  }
})
