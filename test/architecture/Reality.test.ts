import { assert, describe, it } from "@effect/vitest"
import * as path from "node:path"
import { uses } from "./Reality.ts"
import { readSources } from "./SourceTree.ts"

const root = path.resolve(import.meta.dirname, "../..")

const ofReality = (why: string, counts: Readonly<Record<string, number>>) =>
  Object.fromEntries(Object.entries(counts).map(([file, count]) => [file, [count, why] as const]))

/** Where the machine is asked all the same, how often, and why no simulated world minds. */
const known: Readonly<Record<string, readonly [count: number, why: string]>> = {
  ...ofReality("a transport over this machine's sockets: a world has its own carrier", {
    "src/layers/grpc/internal/client/Cancel.ts": 2,
    "src/layers/grpc/internal/client/ConnectWatch.ts": 3,
    "src/layers/grpc/internal/client/SettingsWatch.ts": 3,
    "src/layers/grpc/internal/client/ZoneResolver.ts": 1,
    "src/layers/grpc/internal/client/http2/Dial.ts": 2,
    "src/layers/grpc/internal/client/http2/Http2Calls.ts": 3,
    "src/layers/grpc/internal/client/http2/Http2Connection.ts": 4,
    "src/layers/grpc/internal/client/http2/wire/FramesForNothing.ts": 1,
    "src/layers/grpc/internal/client/http2/wire/Sending.ts": 2,
    "src/layers/grpc/internal/client/http2/wire/Answers.ts": 2,
    "src/layers/grpc/internal/server/Deadlines.ts": 2,
    "src/layers/grpc/GrpcServer.ts": 1,
    "src/layers/probes/Knock.ts": 1,
    "src/layers/sockets/CallTurns.ts": 1,
    "src/layers/sockets/ConnectionGuard.ts": 3,
    "src/layers/sockets/HandshakeQueue.ts": 3,
    "src/layers/sockets/Timer.ts": 3
  }),
  ...ofReality("processes and threads of this machine, which no world has", {
    "src/layers/agent/programs/PortProgram.ts": 1,
    "src/layers/agent/sweep/ConnectThread.ts": 4,
    "src/layers/plugins/house/ThreadHouse.ts": 1,
    "src/layers/plugins/house/ThreadWatch.ts": 1,
    "src/layers/process/house/HouseProcess.ts": 1,
    "src/layers/process/LogFile.ts": 2,
    "src/layers/process/OwnFile.ts": 1,
    "src/layers/process/ProcessMain.ts": 1,
    "src/layers/process/spawn/Program.ts": 1,
    "src/layers/process/StandardStreams.ts": 1,
    "src/programs/up/screen/UpLog.ts": 1
  }),
  ...ofReality("secrets and serial numbers: no seed may repeat them", {
    "src/layers/identity/AccessTokens.ts": 2,
    "src/layers/identity/Secrets.ts": 1,
    "src/layers/identity/passwords/HashedPasswords.ts": 3,
    "src/layers/nats/server/NatsHome.ts": 1,
    "src/layers/postgres/server/DataDirectory.ts": 1,
    "src/layers/security/CertificateAuthority.ts": 1,
    "src/layers/security/signing/Ed25519.ts": 1,
    "src/layers/security/signing/MessageSigner.ts": 1
  }),
  ...ofReality("ids that must differ between machines; what a simulated program has of them is the guard's", {
    "src/layers/grpc/internal/client/TraceParent.ts": 1,
    "src/layers/http/RequestId.ts": 1,
    "src/layers/records/RecordBulk.ts": 1,
    "src/layers/records/RecordWrites.ts": 1,
    "src/layers/telemetry/SelfReporting.ts": 1
  }),
  "src/layers/core/ReportDecoding.ts": [2, "how long a slice of computing takes, which takes no time in a world"],
  "src/layers/sync/fakes/FakeArmis.ts": [2, "a fake of a source, for processes"],
  "src/services/supervision/testing/TestScheduler.ts": [
    2,
    "the kit's scheduler for tests, which lets real promises settle"
  ]
}

describe("Time, randomness and timers", () => {
  it("come from Clock, Random and Schedule, or it is known why not", () => {
    const expected = Object.fromEntries(Object.entries(known).map(([file, [count]]) => [file, count]))

    assert.deepStrictEqual(uses(readSources(root, "src")), expected)
  })

  it.each([
    "const now = Date.now()",
    "const now = new Date()",
    "const began = performance.now()",
    "const dice = Math.random()",
    "setTimeout(() => {}, 1)",
    "import { setImmediate } from \"node:timers\"",
    "const id = crypto.randomUUID()",
    "process.nextTick(() => {})",
    "const signal = AbortSignal.timeout(5)"
  ])("are found where they are real: %s", (text) => {
    assert.deepStrictEqual(uses([{ path: "src/layers/a/A.ts", text }]), { "src/layers/a/A.ts": 1 })
  })

  it.each(["const day = new Date(0)", "yield* Effect.sleep(1)", "Clock.currentTimeMillis", "socket.setTimeout(5)"])(
    "are none: %s",
    (text) => assert.deepStrictEqual(uses([{ path: "src/layers/a/A.ts", text }]), {})
  )
})
