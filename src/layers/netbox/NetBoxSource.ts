/**
 * Devices from NetBox: all pages of the list of devices, and of virtual machines and prefixes where they are asked for.
 *
 * The Go service reads the first page only. `next` is followed on NetBox's own address only: behind a proxy that does
 * not pass its name on, NetBox writes another host into it, and the token must not go there.
 */
import { Effect, Option, Redacted, Result, Schema, type Scope, Stream } from "effect"
import * as Paging from "../../domain/inventory/Paging.ts"
import type { SourceKind } from "../../domain/inventory/SourceContext.ts"
import type { SourceConfig } from "../../domain/sync/SyncConfig.ts"
import type { DeviceSource, SourcePage } from "../../services/sync/DeviceSource.ts"
import * as SourceErrors from "../../services/sync/SourceError.ts"
import type { SourceError } from "../../services/sync/SourceError.ts"
import * as Elements from "../sync/sources/Elements.ts"
import type { Refused } from "../sync/sources/SourceAnswer.ts"
import * as SourceHttp from "../sync/sources/SourceHttp.ts"
import * as NetBoxDevice from "./NetBoxDevice.ts"

export const kind: SourceKind = {
  type: "netbox",
  source: "netbox",
  idKey: "netbox_device_id",
  hasDeviceId: true,
  hasAddressList: false,
  sweepsAs: "networks"
}

const pagesMax = 20_000

const Answer = Schema.Struct({
  count: Schema.Int.check(Schema.isGreaterThanOrEqualTo(0)),
  next: Schema.NullOr(Schema.String),
  results: Schema.Array(Schema.Unknown)
})
type Answer = typeof Answer.Type

const decode = Schema.decodeUnknownResult(Answer)

const answerOf = (answer: unknown): Result.Result<Answer, Refused> =>
  Result.mapError(decode(answer), ({ message }) => ({
    reason: "undecodable",
    detail: `the answer is no page of a list: ${message}`
  }))

const paths: Record<NetBoxDevice.ListKind, string> = {
  device: "/api/dcim/devices/",
  virtual_machine: "/api/virtualization/virtual-machines/",
  prefix: "/api/ipam/prefixes/"
}

interface Place {
  /** Index into the lists. */
  readonly list: number
  readonly url: string
  readonly from: number
  readonly index: number
}

const PlaceText = Schema.fromJsonString(Schema.Struct({
  list: Schema.Int,
  url: Schema.String,
  from: Schema.Int,
  index: Schema.Int
}))
const decodePlace = Schema.decodeUnknownResult(PlaceText)

export const make = Effect.fnUntraced(function*(
  config: SourceConfig
): Effect.fn.Return<DeviceSource, never, Scope.Scope> {
  const { endpoint, name } = config
  const { origin } = new URL(endpoint)
  const http = yield* SourceHttp.make(config)
  const authorization = Redacted.make(`Token ${Redacted.value(config.credential("api_token"))}`)
  const lists: ReadonlyArray<NetBoxDevice.ListKind> = [
    "device",
    ...(config.virtualMachines ? ["virtual_machine" as const] : []),
    ...(config.prefixes ? ["prefix" as const] : [])
  ]

  const startOf = (list: number): Option.Option<Place> => {
    const wanted = lists[list]
    return wanted === undefined
      ? Option.none()
      : Option.some({ list, url: `${endpoint}${paths[wanted]}?limit=${config.pageSize}`, from: 0, index: 0 })
  }

  const incomplete = (reason: SourceErrors.SourceErrorReason, detail: string) => SourceErrors.make(name, reason, detail)

  /** Where the next page begins, by the address that NetBox gives for it. */
  const nextOf = (place: Place, next: string, count: number): Result.Result<Place, SourceError> => {
    const url = URL.parse(next, place.url)
    if (url === null || url.origin !== origin) {
      return Result.fail(incomplete("next_invalid", `next is ${next}, expected an address of ${origin}`))
    }
    if (url.href === new URL(place.url).href) {
      return Result.fail(incomplete("next_not_growing", `next is the page itself: ${next}`))
    }
    const offset = url.searchParams.get("offset")
    // Lists without offsets are counted.
    const from = offset === null ? place.from + count : /^-?\d+$/.test(offset) ? Number(offset) : Number.NaN
    return Result.succeed({ list: place.list, url: url.href, from, index: place.index + 1 })
  }

  const page = Effect.fnUntraced(function*(
    place: Place
  ): Effect.fn.Return<readonly [ReadonlyArray<SourcePage>, Option.Option<Place>], SourceError> {
    const list = lists[place.list] ?? "device"
    const elements = Elements.make(NetBoxDevice.judge(list, config.expandSubnets))
    const { count: total, next } = yield* http.request({
      method: "GET",
      url: place.url,
      headers: { accept: "application/json" },
      authorization,
      elements: { ...elements, path: ["results"] }
    }, answerOf)
    const collected = elements.collected()
    const count = collected.sightings.length + collected.rejections.length
    const following = next === null ? Option.none() : Option.some(yield* Effect.fromResult(nextOf(place, next, count)))
    const step = Paging.advance(
      {
        from: place.from,
        count,
        next: Option.getOrUndefined(Option.map(following, ({ from }) => from)),
        total
      },
      place.index,
      pagesMax
    )
    if (step._tag === "Incomplete") {
      return yield* SourceErrors.make(name, step.reason, `${paths[list]}: ${step.detail}`)
    }
    const after = Option.orElse(following, () => startOf(place.list + 1))
    return [
      [{
        ...collected,
        query: place.list,
        total,
        resume: JSON.stringify(Option.getOrElse(after, () => ({ ...place, list: lists.length })))
      }],
      after
    ]
  })

  return {
    kind,
    queries: lists.map((label) => ({ label, sweepModes: [] })),
    pages: (resume) => {
      const start = resume === undefined
        ? startOf(0)
        : Option.filter(Result.getSuccess(decodePlace(resume)), ({ list }) => list < lists.length)
      return Option.isNone(start) ? Stream.empty : Stream.paginate(start.value, page)
    }
  }
})
