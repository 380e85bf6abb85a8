/**
 * Publishes a realistic mix of the seven streams as a process of its own, every message confirmed by JetStream.
 *
 *   node bench/peers/publisher.ts --server URL [--messages N | --seconds N] [--rate N] [--mix mixed|telemetry]
 *     [--poison undecodable|overlong|forbidden] [--poison-every 1000] [--number N]
 *
 * Each row has a moment of its own, so that what is lost or doubled shows in SQL. With a rate, a row's moment is when it
 * was published. Prints lines of JSON: `progress` each second, `done` at the end or on SIGTERM.
 */
import { parseArgs } from "node:util"
import * as EventFrames from "./EventFrames.ts"
import { forbidden, mixed, overlong, type Sample, type Share, telemetryOnly, undecodable } from "./EventSamples.ts"
import { NatsPipe } from "./NatsPipe.ts"

const { values } = parseArgs({
  options: {
    server: { type: "string", default: "nats://127.0.0.1:4222" },
    messages: { type: "string", default: "Infinity" },
    seconds: { type: "string", default: "Infinity" },
    rate: { type: "string", default: "0" },
    mix: { type: "string", default: "mixed" },
    poison: { type: "string", default: "" },
    "poison-every": { type: "string", default: "1000" },
    /** Where the running numbers begin, for a second publisher. */
    number: { type: "string", default: "0" },
    "in-flight": { type: "string", default: "4000" }
  }
})

const messagesMax = Number(values.messages)
const secondsMax = Number(values.seconds)
const rate = Number(values.rate)
const inFlightMax = Number(values["in-flight"])
const poisonEvery = Number(values["poison-every"])
const poisons: Readonly<Record<string, Sample>> = { undecodable, overlong, forbidden }

/** JSON that tells seconds as a number loses half a microsecond, so neighbours are two apart. */
const stepMicros = 2
const batchBytes = 128 * 1024
const batchMessages = 500
const reply = `_INBOX.bench.${process.pid}`

interface Kind {
  readonly stream: string
  readonly frames: ReadonlyArray<EventFrames.Frame>
  turn: number
  messages: number
}

const kindOf = ({ samples, stream }: Share): Kind => ({
  stream,
  frames: samples.map((sample) => EventFrames.make(sample, reply)),
  turn: 0,
  messages: 0
})

const shares = values.mix === "telemetry" ? telemetryOnly : mixed
const kinds = shares.map(kindOf)
const total = shares.reduce((sum, { share }) => sum + share, 0)
const poison = poisons[values.poison]
const poisonFrame = poison === undefined ? undefined : EventFrames.make(poison, reply)

/** The kinds in proportion, shuffled the same way each time. */
const schedule: ReadonlyArray<Kind> = shares
  .flatMap(({ share }, index) => Array.from({ length: share }, (_, at) => ({ index, place: (at + 0.5) / share })))
  .sort((one, other) => one.place - other.place)
  .flatMap(({ index }) => kinds[index] ?? [])

const rows = new Map<string, number>()
let messages = 0
let poisoned = 0
let number = EventFrames.numberFirst + Number(values.number)
let lastMicros = 0

/** Of the machine, in microseconds. */
const nowMicros = (): number => Math.floor((performance.timeOrigin + performance.now()) * 1000)

const nextFrame = (): EventFrames.Frame => {
  if (poisonFrame !== undefined && messages % poisonEvery === 617) {
    poisoned += 1
    return poisonFrame
  }
  const kind = schedule[messages % total]
  const frame = kind?.frames[kind.turn++ % kind.frames.length]
  if (kind === undefined || frame === undefined) throw new Error("there is nothing to publish")
  kind.messages += 1
  rows.set(frame.sample.table, (rows.get(frame.sample.table) ?? 0) + frame.sample.rows)
  return frame
}

/** Encodes and sends up to `count` messages. */
const send = (pipe: NatsPipe, count: number) => {
  let left = count
  while (left > 0) {
    const target = Buffer.allocUnsafe(batchBytes + 16_384)
    const micros = Math.max(nowMicros(), lastMicros + stepMicros)
    let at = 0
    let sent = 0
    let row = 0
    while (left > 0 && at < batchBytes && sent < batchMessages) {
      const frame = nextFrame()
      at = EventFrames.write(frame, target, at, { micros: micros + row * stepMicros, number: number + row, stepMicros })
      row += Math.max(1, frame.sample.rows)
      messages += 1
      sent += 1
      left -= 1
    }
    number += row
    lastMicros = micros + row * stepMicros
    pipe.send(target.subarray(0, at), sent)
  }
}

const say = (event: string, pipe: NatsPipe) => {
  console.log(JSON.stringify({
    event,
    published: pipe.confirmed,
    poisoned,
    messages: Object.fromEntries(kinds.map((kind) => [kind.stream, kind.messages])),
    rows: Object.fromEntries(rows),
    seconds: Math.round(performance.now() - startMillis) / 1000
  }))
}

const tickMillis = 5
const pause = (millis: number) => new Promise<void>((resolve) => setTimeout(resolve, millis))

const stopping = new AbortController()
process.on("SIGTERM", () => stopping.abort())
const isOver = () => stopping.signal.aborted || messages >= messagesMax

const pipe = await NatsPipe.connect(values.server, reply)
const startMillis = performance.now()
const progress = setInterval(() => say("progress", pipe), 1_000)
while (!isOver()) {
  const elapsed = (performance.now() - startMillis) / 1000
  if (elapsed >= secondsMax) break
  const due = rate === 0 ? batchMessages : Math.floor(elapsed * rate) - messages
  send(pipe, Math.min(due, messagesMax - messages))
  if (rate > 0) await pause(tickMillis)
  await pipe.settle(rate > 0 ? 100_000 : inFlightMax)
}
await pipe.settle(0)
clearInterval(progress)
say("done", pipe)
pipe.close()
