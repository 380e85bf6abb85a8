/**
 * Networks whose devices are neither served nor swept, as a binary trie over the leading bits.
 *
 * An entry must be a CIDR; one that is not is left out and named, while the others apply (the Go service then filters
 * nothing at all for NetBox, and leaves out the entry for Armis). Only a device's primary address is tested, as there.
 */
import { Option } from "effect"
import * as IpNetwork from "./IpNetwork.ts"

interface Node {
  isListed: boolean
  zero: Node | undefined
  one: Node | undefined
}

export interface Blacklist {
  readonly size: number
  /** `false` for what is no address: such a device is rejected elsewhere, by name. */
  readonly covers: (address: string) => boolean
  /** Entries that are no networks, as written. */
  readonly rejected: ReadonlyArray<string>
}

const emptyNode = (): Node => ({ isListed: false, zero: undefined, one: undefined })

const insert = (root: Node, network: IpNetwork.IpNetwork): void => {
  let node = root
  for (let index = 0; index < network.prefixLength && !node.isListed; index++) {
    if (IpNetwork.bitAt(network, index) === 0) node = node.zero ??= emptyNode()
    else node = node.one ??= emptyNode()
  }
  node.isListed = true
}

const contains = (root: Node, address: IpNetwork.IpBits): boolean => {
  const bits = IpNetwork.bitsIn(address.version)
  let node: Node | undefined = root
  for (let index = 0; node !== undefined; index++) {
    if (node.isListed) return true
    if (index === bits) return false
    node = IpNetwork.bitAt(address, index) === 0 ? node.zero : node.one
  }
  return false
}

export const make = (entries: ReadonlyArray<string>): Blacklist => {
  const roots = { 4: emptyNode(), 6: emptyNode() }
  const rejected: Array<string> = []
  for (const entry of entries) {
    const network = IpNetwork.parseNetwork(entry.trim())
    if (Option.isSome(network)) insert(roots[network.value.version], network.value)
    else rejected.push(entry)
  }
  const size = entries.length - rejected.length
  return {
    size,
    rejected,
    covers: (text) => {
      if (size === 0) return false
      const address = IpNetwork.parseAddress(text)
      return Option.isSome(address) && contains(roots[address.value.version], address.value)
    }
  }
}
