/**
 * Plants faults in the programs, one at a time, and shows that the simulation finds each: `npm run simulate:planted`.
 *
 *   --seeds N   how many seeds each may take; default 200
 *   --only TEXT those whose name contains it
 *   --help      this
 *
 * Works on a copy in a temporary folder. A seed that breaks something without the fault, too, has not found it. The last line is
 * one JSON object: planted, found, and the seed of each. Exits with 1 when a fault can no longer be planted because the code has
 * changed, or when more than a tenth is not found, and with 2 when it was asked for wrongly.
 */
import { spawnSync } from "node:child_process"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { parseArgs } from "node:util"
import * as Asked from "./options/Asked.ts"

interface Planted {
  readonly fault: string
  readonly file: string
  readonly from: string
  readonly to: string
}

const planted: ReadonlyArray<Planted> = [
  {
    fault: "the writer acknowledges what it could not decode",
    file: "src/services/event-writer/StreamSettlement.ts",
    from:
      "    const why = yield* keep(delivery, failure)\n    if (why !== \"\") return yield* unkept(delivery, processor, failure, why)\n    delivery.term()",
    to: "    delivery.ack()"
  },
  {
    fault: "a heartbeat to core counts as a report of what waits",
    file: "src/services/poller/CoreReporter.ts",
    from: "    const isWaiting = yield* Effect.timeoutOption(hasWaiting.await, reported.pollInterval)",
    to: "    const isWaiting = Option.none<void>()\n    yield* Effect.sleep(reported.pollInterval)"
  },
  {
    fault: "the writer gives a message up before its dead letter is kept",
    file: "src/services/event-writer/StreamSettlement.ts",
    from: "    const why = yield* keep(delivery, failure)\n    if (why !== \"\") return yield* unkept",
    to:
      "    delivery.term()\n    const why = yield* keep(delivery, failure)\n    if (why !== \"\") return yield* unkept"
  },
  {
    fault: "ids of rows are not the same at the next delivery",
    file: "src/layers/events/decode/RowIds.ts",
    from: "IngestId.make(message.stream, message.sequence, message.storedAtMicros)",
    to: "IngestId.make(message.stream, Math.floor(Math.random() * 2 ** 30), message.storedAtMicros)"
  },
  {
    fault: "the reporter settles before core has acknowledged",
    file: "src/services/poller/CoreReporter.ts",
    from:
      "      const delivered = yield* delivery.deliverParts(statuses, to)\n      if (delivered._tag === \"Away\") return false",
    to: "      const delivered = yield* delivery.deliverParts(statuses, to)\n" +
      "      if (delivered._tag === \"Away\") {\n        yield* buffer.settle\n        return false\n      }"
  },
  {
    fault: "a report that was in flight goes under another time",
    file: "src/services/poller/CoreReporter.ts",
    from: "    const to = yield* header(newest, form === \"parts\" ? id : \"\")",
    to: "    const to = yield* header(yield* Clock.currentTimeMillis, form === \"parts\" ? id : \"\")"
  },
  {
    fault: "core says received before it has stored",
    file: "src/layers/core/PollerServiceHandlers.ts",
    from: "    Effect.mapError(toStatus),\n    Effect.as({ received: true })",
    to: "    Effect.mapError(toStatus),\n    Effect.forkDetach,\n    Effect.as({ received: true })"
  },
  {
    fault: "a check that has failed is not asked again",
    file: "src/services/poller/Ticks.ts",
    from: "      const wait = next(now)\n",
    to: "      const wait = next(now) + (now - runMillis > 4_000 ? 3_600_000 : 0)\n"
  },
  {
    fault: "a lost connection is not sought again",
    file: "src/services/poller/ConnectionManager.ts",
    from: "    Effect.retry(betweenProbes),",
    to: "    Effect.catch(() => Effect.never),"
  },
  {
    fault: "timers of checks follow the time of day",
    file: "src/services/clock/Monotonic.ts",
    from: "Number(clock.monotonicTimeNanosUnsafe() / 1_000n) / 1_000",
    to: "clock.currentTimeMillisUnsafe()"
  },
  {
    fault: "the breaker of the database never closes",
    file: "src/services/event-writer/DatabaseHealth.ts",
    from: "        return yield* recovered\n",
    to: "        return yield* wasUp ? Effect.never : recovered\n"
  },
  {
    fault: "the circuit of an agent never closes",
    file: "src/domain/breaker/Circuit.ts",
    from: "      return halfOpen(circuit, nowMillis)\n",
    to: "      return { _tag: \"half_open\" }\n"
  },
  {
    fault: "what is in flight is not on the disk before it is sent",
    file: "src/layers/poller/buffer/disk/Taking.ts",
    from: "    yield* durable(state)\n",
    to: ""
  },
  {
    fault: "what a process before left is forgotten",
    file: "src/layers/poller/buffer/disk/Opening.ts",
    from: "      queue.cursor = mark.settled\n",
    to: "      queue.cursor = opened.last()\n"
  },
  {
    fault: "a batch goes in another order than it came",
    file: "src/layers/poller/buffer/disk/Taking.ts",
    from: "statuses: held.map(({ one }) => one) })",
    to: "statuses: held.map(({ one }) => one).toReversed() })"
  },
  {
    fault: "core that is away counts as one that refuses",
    file: "src/layers/poller/GrpcCoreClient.ts",
    from: "        return new CoreAway({ detail: `${error._tag}: ${detail}` })",
    to: "        return new ReportRejected({ detail: `${error._tag}: ${detail}` })"
  },
  {
    fault: "a report without an answer counts as taken",
    file: "src/layers/poller/GrpcCoreClient.ts",
    from: "        Effect.mapError((error) => toCoreError(address, error)),\n        Effect.filterOrFail(",
    to: "        Effect.catchTag(\"Unavailable\", () => Effect.succeed({ received: true })),\n" +
      "        Effect.mapError((error) => toCoreError(address, error)),\n        Effect.filterOrFail("
  },
  {
    fault: "a batch of the writer is given up when it is tried for the second time",
    file: "src/services/event-writer/StreamStore.ts",
    from: "      pending = [...written.retry.map(({ message }) => message), ...rest]\n",
    to: "      pending = rest\n      for (const { message } of written.retry) verdicts.set(message, Result.void)\n"
  },
  {
    fault: "a reading of a source that was cut off counts as whole",
    file: "src/services/sync/SourceRun.ts",
    from: "    const problem = Paging.settle(came, total)\n",
    to: "    const problem = Paging.settle(came, undefined)\n"
  },
  {
    fault: "an object is taken to be in the store without a look",
    file: "src/services/sync/KvWriter.ts",
    from: "  const found = yield* store.stat(objectKey)\n",
    to: "  const found = Option.some({ bytes: document.bytes, sha256: document.sha256, chunks: 1 })\n"
  },
  {
    fault: "those who keep a copy are not told what is gone",
    file: "src/layers/sync/DeltaChunks.ts",
    from: "    Stream.map(changes.value, (batch) => batch.map(elementOf))",
    to: "    Stream.map(changes.value, (batch) => batch.filter(({ _tag }) => _tag === \"Put\").map(elementOf))"
  },
  {
    fault: "a device stays retracted when it is back",
    file: "src/services/sync/Retractions.ts",
    from: "        if (Option.isSome(yield* source.reader.get(key))) return false\n" +
      "        if (yield* source.reader.isUnread(key)) return false\n" +
      "        return !(yield* isSomewhere(identifiers, sources))\n",
    to: "        return true\n"
  }
]

Asked.help(import.meta.filename)

const { values } = Asked.read(() =>
  parseArgs({ options: { seeds: { type: "string", default: "200" }, only: { type: "string", default: "" } } })
)

const root = path.resolve(import.meta.dirname, "..")
const copy = fs.mkdtempSync(path.join(os.tmpdir(), "serviceradar-planted-"))
const chosen = planted.filter(({ fault }) => fault.includes(values.only))
if (chosen.length === 0) {
  Asked.refuse(
    "only",
    values.only,
    `a part of one of: ${planted.map(({ fault }) => fault).join("; ")}`
  )
}
const seeds: Record<string, string> = {}
const unplantable: Array<string> = []
const seedsMax = Asked.number("seeds", values.seeds, 1)

const world = "--hours 0.17 --agents 4 --checks 2 --messages 5 --devices 60 --profile hostile --until-first".split(" ")

interface Broken {
  readonly seed: number
  readonly what: string
}

/** The first seed that breaks something, and what; undefined when none does. */
const firstBroken = (seed: number, seeds: number): Broken | undefined => {
  const { stdout } = spawnSync(process.execPath, [
    path.join(copy, "scripts/simulate.ts"),
    ...world,
    "--seed",
    `${seed}`,
    "--seeds",
    `${seeds}`
  ], { cwd: copy, encoding: "utf8", timeout: 1_200_000 })
  const line = /^seed (\d+): (?!\d+ events)(.*)$/m.exec(stdout)
  return line === null ? undefined : { seed: Number(line[1]), what: line[2] ?? "" }
}

/** The first of the seeds that is green without the fault, which `plant` brings in and `remove` takes out again. */
const firstFound = (plant: () => void, remove: () => void): Broken | "none" | "without it" => {
  let answer: "none" | "without it" = "none"
  for (let seed = 1; seed <= seedsMax;) {
    plant()
    const broken = firstBroken(seed, seedsMax - seed + 1)
    remove()
    if (broken === undefined) return answer
    if (firstBroken(broken.seed, 1) === undefined) return broken
    answer = "without it"
    seed = broken.seed + 1
  }
  return answer
}

try {
  for (const name of ["src", "test", "scripts", "package.json"]) {
    fs.cpSync(path.join(root, name), path.join(copy, name), { recursive: true })
  }
  fs.symlinkSync(path.join(root, "node_modules"), path.join(copy, "node_modules"))
  for (const { fault, file, from, to } of chosen) {
    const target = path.join(copy, file)
    const text = fs.readFileSync(target, "utf8")
    if (text.split(from).length !== 2) {
      unplantable.push(fault)
      console.log(`NOT PLANTED: ${fault}`)
      continue
    }
    const found = firstFound(
      () => fs.writeFileSync(target, text.replace(from, () => to)),
      () => fs.writeFileSync(target, text)
    )
    if (typeof found === "string") {
      console.log(`${found === "none" ? "NOT FOUND" : "BROKEN WITHOUT IT"}: ${fault}`)
      continue
    }
    seeds[fault] = `${found.seed}: ${found.what}`
    console.log(`found: ${fault}, by seed ${found.seed}: ${found.what}`)
  }
} finally {
  fs.rmSync(copy, { recursive: true, force: true })
}

const count = Object.keys(seeds).length
console.log(JSON.stringify({ planted: chosen.length, found: count, seeds }))
process.exitCode = unplantable.length === 0 && count >= 0.9 * chosen.length ? 0 : 1
