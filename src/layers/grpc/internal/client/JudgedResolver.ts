/**
 * Resolves as grpc-js does, and leaves out the addresses that somebody forbids: at every resolution, so that a name that
 * points elsewhere later leads nowhere either.
 */
import * as grpc from "@grpc/grpc-js"

/** Why an address must not be dialled; undefined when it may. */
export type Refusal = (address: string) => string | undefined

const scheme = "serviceradar-judged"
/** Of the channel's options: where the resolver finds what to ask. */
const option = "serviceradar.refusal"

type Constructor = Parameters<typeof grpc.experimental.registerResolver>[1]
type Listener = ConstructorParameters<Constructor>[1]
type Addresses = Parameters<Listener>[0]

const isRefusal = (value: unknown): value is Refusal => typeof value === "function"

/** `dns` unless the path has a scheme of ours. */
const innerOf = (path: string): grpc.experimental.GrpcUri => {
  const [, zone] = /^(?:serviceradar-zone):(.*)$/.exec(path) ?? []
  return zone === undefined ? { scheme: "dns", path } : { scheme: "serviceradar-zone", path: zone }
}

const judged = (found: Addresses, refusal: Refusal): Addresses => {
  if (!found.ok) return found
  const reasons: Array<string> = []
  const endpoints = found.value.flatMap(({ addresses }) => {
    const allowed = addresses.filter((address) => {
      const reason = "host" in address ? refusal(address.host) : undefined
      if (reason !== undefined) reasons.push(reason)
      return reason === undefined
    })
    return allowed.length === 0 ? [] : [{ addresses: allowed }]
  })
  const [reason] = reasons
  return endpoints.length > 0 || reason === undefined
    ? grpc.experimental.statusOrFromValue(endpoints)
    : grpc.experimental.statusOrFromError({ code: grpc.status.UNAVAILABLE, details: reason })
}

class JudgedResolver {
  readonly #inner: InstanceType<Constructor>

  constructor(target: grpc.experimental.GrpcUri, listener: Listener, options: grpc.ChannelOptions) {
    const given: unknown = options[option]
    // Without somebody to ask nothing may be dialled.
    const refusal = isRefusal(given) ? given : () => "nobody says which addresses may be dialled"
    this.#inner = grpc.experimental.createResolver(
      innerOf(target.path),
      (found, ...rest) => listener(judged(found, refusal), ...rest),
      options
    )
  }

  updateResolution(): void {
    this.#inner.updateResolution()
  }

  destroy(): void {
    this.#inner.destroy()
  }

  static getDefaultAuthority(target: grpc.experimental.GrpcUri): string {
    return innerOf(target.path).path.replace(/%[^\]]*/, "")
  }
}

let isRegistered = false

/** The target, and the options that go with it, as grpc-js is to be given them. A proxy would resolve for itself. */
export const withRefusal = (target: string, refusal: Refusal | undefined) => {
  if (refusal === undefined) return { target, options: {} }
  if (!isRegistered) grpc.experimental.registerResolver(scheme, JudgedResolver)
  isRegistered = true
  return { target: `${scheme}:${target}`, options: { [option]: refusal, "grpc.enable_http_proxy": 0 } }
}
