/** One element of an Armis search, as an observation. */
import { Option, Result, Schema } from "effect"
import * as IpNetwork from "../../domain/inventory/IpNetwork.ts"
import * as MacAddress from "../../domain/inventory/MacAddress.ts"
import * as Elements from "../sync/sources/Elements.ts"

const Text = Schema.optionalKey(Schema.NullOr(Schema.String))

const ArmisDevice = Schema.Struct({
  id: Schema.Int.check(Schema.isGreaterThanOrEqualTo(0)),
  ipAddress: Text,
  macAddress: Text,
  name: Text,
  tags: Schema.optionalKey(Schema.NullOr(Schema.Array(Schema.String))),
  lastSeen: Text
})

const decode = Schema.decodeUnknownResult(ArmisDevice)
const HasId = Schema.Struct({ id: ArmisDevice.fields.id })
const hasId = Schema.is(HasId)

const unusable = (value: unknown): Elements.Judged =>
  hasId(value)
    ? Result.fail({ key: Elements.numericKey(value.id), reason: "undecodable" })
    : Result.fail({ key: undefined, reason: "bad_id" })

const addressesOf = (list: string): ReadonlyArray<string> => [
  ...new Set(list.split(",").flatMap((part) => Option.toArray(IpNetwork.canonicalAddress(part.trim()))))
]

export const judge = (value: unknown): Elements.Judged => {
  const decoded = decode(value)
  if (Result.isFailure(decoded)) return unusable(value)
  const device = decoded.success
  const key = Elements.numericKey(device.id)
  const list = device.ipAddress ?? ""
  const [primary, ...others] = addressesOf(list)
  if (primary === undefined) {
    return Result.fail({ key, reason: list.trim() === "" ? "no_address" : "bad_address" })
  }
  return Result.succeed({
    key,
    observation: {
      id: String(device.id),
      ips: [primary, ...others],
      hostname: device.name ?? "",
      mac: Option.getOrElse(MacAddress.first(device.macAddress ?? ""), () => ""),
      tags: device.tags ?? [],
      seenAt: Date.parse(device.lastSeen ?? "") || 0,
      metadata: {},
      networks: [],
      isDevice: true
    }
  })
}
