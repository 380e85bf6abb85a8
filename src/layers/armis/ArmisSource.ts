/**
 * Devices from Armis: all pages of each AQL query, one after another, with one token.
 *
 * Compatible with the Go service in requests (order of parameters, form encoding, token without `Bearer`) and in what
 * becomes of a device. Unlike it: a token is renewed on any 401, a page that fails is asked for again, and a query is
 * complete only by the rules of `Paging`.
 */
import { Effect, Option, Result, Schema, type Scope, Stream } from "effect"
import * as Paging from "../../domain/inventory/Paging.ts"
import type { SourceKind } from "../../domain/inventory/SourceContext.ts"
import type { SourceConfig } from "../../domain/sync/SyncConfig.ts"
import type { DeviceSource, SourcePage } from "../../services/sync/DeviceSource.ts"
import * as SourceErrors from "../../services/sync/SourceError.ts"
import type { SourceError } from "../../services/sync/SourceError.ts"
import * as Elements from "../sync/sources/Elements.ts"
import type { HttpRequest, Refused } from "../sync/sources/SourceAnswer.ts"
import * as ArmisDevice from "./ArmisDevice.ts"
import * as ArmisHttp from "./ArmisHttp.ts"
import * as ArmisToken from "./ArmisToken.ts"

export const kind: SourceKind = {
  type: "armis",
  source: "armis",
  idKey: "armis_device_id",
  hasDeviceId: false,
  hasAddressList: true,
  labelDefault: "armis_devices",
  sweepsAs: "device_targets"
}

const pagesMax = 20_000

const Count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))

const Answer = Schema.Struct({
  success: Schema.Boolean,
  data: Schema.Struct({
    next: Schema.optionalKey(Schema.NullOr(Schema.Finite)),
    /** Past the end of the list: null. */
    results: Schema.NullOr(Schema.Array(Schema.Unknown)),
    total: Schema.optionalKey(Schema.NullOr(Count))
  })
})

const decode = Schema.decodeUnknownResult(Answer)

interface Ends {
  readonly next: number | undefined
  readonly total: number | undefined
}

const endsOf = (answer: unknown): Result.Result<Ends, Refused> => {
  const decoded = decode(answer)
  if (Result.isFailure(decoded)) {
    return Result.fail({
      reason: "undecodable",
      detail: `the answer is no page of a search: ${decoded.failure.message}`
    })
  }
  const { data, success } = decoded.success
  if (!success) return Result.fail({ reason: "refused", detail: "success is false" })
  const { next, total } = data
  return Result.succeed({ next: next === 0 || next === null ? undefined : next, total: total ?? undefined })
}

/** `query:from:page` */
interface Place {
  readonly query: number
  readonly from: number
  readonly index: number
}

const start: Place = { query: 0, from: 0, index: 0 }

const placeText = ({ from, index, query }: Place): string => `${query}:${from}:${index}`

const placeOf = (text: string | undefined): Place => {
  const [query = 0, from = 0, index = 0] = (text ?? "").split(":").map(Number)
  return text === undefined ? start : { query, from, index }
}

const searchUrl = (endpoint: string, aql: string, length: number, from: number): string => {
  const parameters = new URLSearchParams({ aql, length: String(length) })
  if (from !== 0) parameters.set("from", String(from))
  return `${endpoint}/api/v1/search/?${parameters.toString()}`
}

export const make = Effect.fnUntraced(function*(
  config: SourceConfig
): Effect.fn.Return<DeviceSource, never, Scope.Scope> {
  const { endpoint, name, pageSize, queries } = config
  const http = yield* ArmisHttp.make(config)
  const token = yield* ArmisToken.make(http, endpoint, config.credential("secret_key"))

  const ask = Effect.fnUntraced(function*(place: Place, elements: Elements.Elements) {
    const request: HttpRequest = {
      method: "GET",
      url: searchUrl(endpoint, queries[place.query]?.query ?? "", pageSize, place.from),
      headers: { accept: "application/json" },
      elements: { ...elements, path: ["data", "results"] }
    }
    return yield* token.use((authorization) => http.request({ ...request, authorization }, endsOf))
  })

  const page = Effect.fnUntraced(function*(
    place: Place
  ): Effect.fn.Return<readonly [ReadonlyArray<SourcePage>, Option.Option<Place>], SourceError> {
    const elements = Elements.make(ArmisDevice.judge)
    const { next, total } = yield* ask(place, elements)
    const collected = elements.collected()
    const count = collected.sightings.length + collected.rejections.length
    const step = Paging.advance({ from: place.from, count, next, total }, place.index, pagesMax)
    if (step._tag === "Incomplete") {
      return yield* SourceErrors.make(name, step.reason, `query ${place.query}: ${step.detail}`)
    }
    const following = step._tag === "Next"
      ? { query: place.query, from: step.from, index: place.index + 1 }
      : { query: place.query + 1, from: 0, index: 0 }
    const isLast = following.query >= queries.length
    return [
      [{ ...collected, query: place.query, total, resume: placeText(following) }],
      isLast ? Option.none() : Option.some(following)
    ]
  })

  return {
    kind,
    queries: queries.map(({ label, sweepModes }) => ({ label, sweepModes })),
    pages: (resume) => {
      const place = placeOf(resume)
      if (queries.length === 0) return Stream.fail(SourceErrors.make(name, "not_configured", "no queries configured"))
      return place.query >= queries.length ? Stream.empty : Stream.paginate(place, page)
    }
  }
})
