import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import * as fc from "fast-check"
import { PollerStatusRequest, ServiceStatus } from "../../../src/gen/monitoring/monitoring.ts"
import * as ReportDecoding from "../../../src/layers/core/ReportDecoding.ts"
import { wireReport, wireStatus } from "../../support/coreProcess.ts"

const options = {
  decodeHead: (head: Uint8Array) => PollerStatusRequest.decode(head),
  convert: (status: ServiceStatus) => status,
  statusesMax: 5_000
}

const named = (serviceName: string, text = "{}") => wireStatus({ serviceName, message: Buffer.from(text) })

const bytesOf = (services: Array<ServiceStatus>) => PollerStatusRequest.encode(wireReport(5n, services)).finish()

/** A field of its own, as a newer poller may send it. */
const unknown = (field: number, text: string) =>
  new BinaryWriter().tag(field, WireType.LengthDelimited).string(text).finish()

const asStatus = (bytes: Uint8Array) => new BinaryWriter().tag(1, WireType.LengthDelimited).bytes(bytes).finish()

describe("Reports as bytes", () => {
  it.effect("are read as the generated code reads them, whatever is between the statuses", () =>
    Effect.promise(() =>
      fc.assert(
        fc.asyncProperty(
          fc.array(fc.tuple(fc.string({ maxLength: 20 }), fc.string({ maxLength: 200 }), fc.boolean()), {
            maxLength: 60
          }),
          async (drawn) => {
            const bytes = Buffer.concat([
              bytesOf([]),
              ...drawn.flatMap(([name, text, isApart]) => [
                asStatus(ServiceStatus.encode(named(name, text)).finish()),
                ...(isApart ? [unknown(99, text), unknown(3, name)] : [])
              ])
            ])
            const { services: expected, ...head } = PollerStatusRequest.decode(bytes)
            const read = await Effect.runPromise(ReportDecoding.make()(bytes, options))

            assert.deepStrictEqual(read.services, expected)
            assert.deepStrictEqual(read.head, { ...head, services: [] })
          }
        )
      )
    ))

  it.effect("are refused when a status claims bytes of the next, or more than there are", () =>
    Effect.gen(function*() {
      const decode = ReportDecoding.make()
      const whole = ServiceStatus.encode(named("ssh")).finish()
      const greedy = Buffer.concat([asStatus(Buffer.from([0x0a, 5])), asStatus(whole)])
      const cut = asStatus(whole).subarray(0, -1)

      for (const bytes of [greedy, cut]) {
        const error = yield* Effect.flip(decode(bytes, options))
        assert.strictEqual(error._tag, "UnreadableReport")
        assert.match(error.message, /^the message cannot be read: /)
      }
    }))

  it.effect("may have so many statuses, and not one more", () =>
    Effect.gen(function*() {
      const decode = ReportDecoding.make()
      const services = Array.from({ length: options.statusesMax }, (_, index) => named(`service-${index}`))
      const { services: read } = yield* decode(bytesOf(services), options)
      const error = yield* Effect.flip(decode(bytesOf([...services, named("one more")]), options))

      assert.deepStrictEqual(read.map(({ serviceName }) => serviceName), services.map((one) => one.serviceName))
      assert.strictEqual(error._tag, "TooManyStatuses")
    }))

  it.effect("that are large have their turns one after the other, and a small one waits for none of them", () =>
    Effect.gen(function*() {
      const decode = ReportDecoding.make()
      const order: Array<string> = []
      const noted = (name: string, count: number) =>
        Effect.tap(
          decode(bytesOf(Array.from({ length: count }, () => named(name))), {
            ...options,
            convert: ({ serviceName }) => {
              if (order.at(-1) !== serviceName) order.push(serviceName)
              return serviceName
            }
          }),
          () => Effect.sync(() => order.push(`${name} is read`))
        )
      const first = yield* Effect.forkChild(noted("first", 5_000), { startImmediately: true })
      const second = yield* Effect.forkChild(noted("second", 5_000), { startImmediately: true })
      yield* noted("small", 10)
      yield* Fiber.join(first)
      yield* Fiber.join(second)

      assert.isBelow(order.indexOf("small is read"), order.indexOf("first is read"))
      assert.isBelow(order.indexOf("first is read"), order.indexOf("second"))
    }))
})
