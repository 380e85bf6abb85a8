/** Elements of NetBox's lists, as observations: devices, virtual machines and prefixes. */
import { Option, Result, Schema } from "effect"
import * as IpNetwork from "../../domain/inventory/IpNetwork.ts"
import type { Judged } from "../sync/sources/Elements.ts"
import * as Elements from "../sync/sources/Elements.ts"

const Named = Schema.optionalKey(Schema.NullOr(Schema.Struct({
  name: Schema.optionalKey(Schema.NullOr(Schema.String))
})))
const Address = Schema.optionalKey(Schema.NullOr(Schema.Struct({ address: Schema.String })))
const Id = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))

const NetBoxDevice = Schema.Struct({
  id: Id,
  name: Schema.optionalKey(Schema.NullOr(Schema.String)),
  role: Named,
  site: Named,
  primary_ip4: Address,
  primary_ip6: Address,
  last_updated: Schema.optionalKey(Schema.NullOr(Schema.String))
})

const NetBoxPrefix = Schema.Struct({ id: Id, prefix: Schema.String })

/** What a list holds, and how its elements differ. */
export type ListKind = "device" | "virtual_machine" | "prefix"

/** Devices come first, as the Go service serves nothing else. */
const keyPrefix: Record<ListKind, string> = { device: "0", virtual_machine: "1", prefix: "2" }

/** Ids of devices and virtual machines are counted apart, so the latter say what they are. */
const idPrefix: Record<ListKind, string> = { device: "", virtual_machine: "vm-", prefix: "prefix-" }

const decodeDevice = Schema.decodeUnknownResult(NetBoxDevice)
const decodePrefix = Schema.decodeUnknownResult(NetBoxPrefix)
const hasId = Schema.is(Schema.Struct({ id: Id }))

const keyOf = (list: ListKind, id: number): string => `${keyPrefix[list]}:${Elements.numericKey(id)}`

const unusable = (list: ListKind, value: unknown): Judged =>
  hasId(value)
    ? Result.fail({ key: keyOf(list, value.id), reason: "undecodable" })
    : Result.fail({ key: undefined, reason: "bad_id" })

/** `10.0.0.5/24` to `10.0.0.5`; none for what is no address in a network. */
const hostOf = (address: string): Option.Option<string> =>
  Option.flatMap(
    IpNetwork.parseNetwork(address),
    () => IpNetwork.canonicalAddress(address.slice(0, address.lastIndexOf("/")))
  )

const judgePrefix = (value: unknown): Judged => {
  const decoded = decodePrefix(value)
  if (Result.isFailure(decoded)) return unusable("prefix", value)
  const { id, prefix } = decoded.success
  const network = IpNetwork.parseNetwork(prefix)
  const key = keyOf("prefix", id)
  if (Option.isNone(network)) return Result.fail({ key, reason: "bad_address" })
  return Result.succeed({
    key,
    observation: {
      id: `${idPrefix.prefix}${id}`,
      ips: [IpNetwork.formatAddress(network.value)],
      hostname: "",
      mac: "",
      tags: [],
      seenAt: 0,
      metadata: {},
      networks: [IpNetwork.formatNetwork(network.value)],
      isDevice: false
    }
  })
}

/** The judge of a list. */
export const judge = (list: ListKind, expandSubnets: boolean) => (value: unknown): Judged => {
  if (list === "prefix") return judgePrefix(value)
  const decoded = decodeDevice(value)
  if (Result.isFailure(decoded)) return unusable(list, value)
  const device = decoded.success
  const key = keyOf(list, device.id)
  const given = [device.primary_ip4?.address, device.primary_ip6?.address].flatMap((one) => one ?? [])
  const [primary, ...others] = given.flatMap((one) => Option.toArray(hostOf(one)))
  if (primary === undefined) return Result.fail({ key, reason: given.length === 0 ? "no_address" : "bad_address" })
  // Only IPv4: nobody enumerates an IPv6 subnet.
  const subnets = given.filter((one) => expandSubnets && !one.includes(":"))
  return Result.succeed({
    key,
    observation: {
      id: `${idPrefix[list]}${device.id}`,
      ips: [primary, ...others],
      hostname: device.name ?? "",
      mac: "",
      tags: [],
      seenAt: Date.parse(device.last_updated ?? "") || 0,
      metadata: { role: device.role?.name ?? "", site: device.site?.name ?? "" },
      networks: subnets,
      isDevice: true
    }
  })
}
