/**
 * Writes a custom property of devices to Armis, many with one request.
 *
 * As the Go service spells it: one `upsert` for each device, the token without `Bearer`. Unlike it, the token is renewed
 * when it is not taken, a request is repeated where that helps, and what Armis says of single devices counts.
 */
import { Effect, Predicate, Redacted, Result, type Scope } from "effect"
import type { SourceConfig } from "../../domain/sync/SyncConfig.ts"
import type { PropertyValue, PropertyWriter } from "../../services/sync/writeback/WriteBack.ts"
import * as Elements from "../sync/sources/Elements.ts"
import * as ArmisHttp from "./ArmisHttp.ts"
import * as ArmisToken from "./ArmisToken.ts"

/** 207: each device has a status of its own. */
const accepted = [200, 201, 207]

const detailMax = 200

const bodyOf = (values: ReadonlyArray<PropertyValue>, key: string): string =>
  JSON.stringify(values.map(({ id, value }) => ({ upsert: { deviceId: Number(id), key, value } })))

const isRefusal = (item: unknown): boolean => {
  if (!Predicate.isObject(item)) return false
  const status = Predicate.hasProperty(item, "status") ? item.status : undefined
  if (typeof status === "number") return status >= 400
  if (Predicate.hasProperty(item, "success") && item.success === false) return true
  return Predicate.hasProperty(item, "error") && item.error !== null && item.error !== ""
}

/** Which devices were not taken; an answer that does not go through them one by one says that all were. */
const refusalsOf = (values: ReadonlyArray<PropertyValue>) => (answer: unknown) => {
  if (Predicate.hasProperty(answer, "success") && answer.success === false) {
    return Result.fail({ reason: "refused" as const, detail: "success is false" })
  }
  if (!Array.isArray(answer) || answer.length !== values.length) return Result.succeed([])
  return Result.succeed(values.flatMap(({ id }, index) => {
    const item: unknown = answer[index]
    return isRefusal(item) ? [{ id, detail: (JSON.stringify(item) ?? "").slice(0, detailMax) }] : []
  }))
}

export const make = Effect.fnUntraced(function*(
  config: SourceConfig
): Effect.fn.Return<PropertyWriter, never, Scope.Scope> {
  const { endpoint } = config
  const http = yield* ArmisHttp.make(config)
  const token = yield* ArmisToken.make(http, endpoint, config.credential("secret_key"))
  return {
    keyOf: (id) => Elements.numericKey(Number(id)),
    write: (values) =>
      token.use((authorization) =>
        http.request({
          method: "POST",
          url: `${endpoint}/api/v1/devices/custom-properties/_bulk/`,
          headers: { accept: "application/json", "content-type": "application/json" },
          authorization,
          body: Redacted.make(bodyOf(values, config.writeBack.field)),
          accepts: accepted,
          isAnswerOptional: true
        }, refusalsOf(values))
      )
  }
})
