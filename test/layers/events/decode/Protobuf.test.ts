import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { Collector } from "../../../../src/domain/events/decode/Elements.ts"
import { objectsPerMessageMax } from "../../../../src/domain/events/stream/EventMessage.ts"
import { ExportLogsServiceRequest } from "../../../../src/gen/opentelemetry/proto/collector/logs/v1/logs_service.ts"
import { LogRecord } from "../../../../src/gen/opentelemetry/proto/logs/v1/logs.ts"
import * as Protobuf from "../../../../src/layers/events/decode/Protobuf.ts"

/** As many empty `resource_logs`. */
const groups = (count: number): Uint8Array => new Uint8Array(2 * count).map((_, at) => at % 2 === 0 ? 0x0a : 0)

/** Beside the request itself. */
const nestedMax = objectsPerMessageMax - 1

const oneTooMany = Result.fail({
  path: [],
  reason: "expected protobuf: at most 524288 messages in one payload"
})

describe("Protobuf", () => {
  it("refuses more messages in one payload than fit in memory", () => {
    // An unknown field at the end makes the payload large enough to be counted, and is no message.
    const counted = (count: number) => Buffer.concat([groups(count), Buffer.from([0x7a, 4, 1, 2, 3, 4])])
    const most = Protobuf.read(ExportLogsServiceRequest, counted(nestedMax))

    assert.strictEqual(Result.getOrThrow(most).resourceLogs.length, nestedMax)
    assert.deepStrictEqual(Protobuf.read(ExportLogsServiceRequest, counted(nestedMax + 1)), oneTooMany)
  })

  it("counts messages at every depth", () => {
    const scope = { scope: undefined, logRecords: [LogRecord.create()], schemaUrl: "" }
    const scopeLogs = Array.from({ length: 33_000 }, () => scope)
    const resourceLogs = Array.from({ length: 8 }, () => ({ resource: undefined, scopeLogs, schemaUrl: "" }))
    const data = ExportLogsServiceRequest.encode({ resourceLogs }).finish()

    // 264,008 without the records, 528,008 with them.
    assert.deepStrictEqual(Protobuf.read(ExportLogsServiceRequest, data), oneTooMany)
  })

  it("refuses a message that breaks off", () => {
    assert.isTrue(Result.isFailure(Protobuf.read(ExportLogsServiceRequest, new Uint8Array([0x0a, 5, 0x12, 0]))))
    assert.isTrue(Result.isFailure(Protobuf.read(ExportLogsServiceRequest, new Uint8Array([0x0a, 0, 0, 0]))))
  })

  it("refuses a request without records whose field is longer than all of it", () => {
    // The nested message would end far behind, and ends at the tag of 0.
    const data = new Uint8Array([0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f, 0])
    const read = (bytes: Uint8Array) =>
      Protobuf.readRequest(ExportLogsServiceRequest, bytes, new Collector<{ readonly one: true }>(), () => {})

    assert.isTrue(Result.isFailure(read(data)))
    assert.isTrue(Result.isSuccess(read(new Uint8Array([0x0a, 0]))))
  })
})
