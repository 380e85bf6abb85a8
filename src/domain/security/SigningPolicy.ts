/**
 * `security.signing`: whether this end signs its calls, and what it asks of callers.
 *
 * `verify` is `off` (signatures are not looked at), `accept` (one that is there must be right) or `require`; `peers` says
 * otherwise for some, by the name of their certificate. Existing peers sign nothing, so `off` is where everybody starts.
 */
import { Schema } from "effect"
import * as NonceMemory from "./NonceMemory.ts"
import { type TimePolicy, timePolicyDefault } from "./SignedMessage.ts"

export const Verification = Schema.Literals(["off", "accept", "require"])
export type Verification = typeof Verification.Type

const secondsMax = 86_400
const noncesMax = 10_000_000

export const SigningBlock = Schema.Struct({
  /** Calls that this end makes are signed with the key of its certificate. */
  send: Schema.optionalKey(Schema.Boolean),
  verify: Schema.optionalKey(Verification),
  /** By common name or SPIFFE id. */
  peers: Schema.optionalKey(Schema.Record(Schema.String, Verification)),
  max_age_seconds: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: secondsMax }))),
  clock_skew_seconds: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: secondsMax }))),
  /** Nonces that are remembered, of all callers together. */
  nonces_max: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: noncesMax })))
})

export interface SigningPolicy {
  readonly isSigning: boolean
  readonly verify: Verification
  readonly peers: Readonly<Record<string, Verification>>
  readonly time: TimePolicy
  readonly noncesMax: number
}

export const unsigned: SigningPolicy = {
  isSigning: false,
  verify: "off",
  peers: {},
  time: timePolicyDefault,
  noncesMax: NonceMemory.countMaxDefault
}

export const fromBlock = (block: typeof SigningBlock.Type | undefined): SigningPolicy =>
  block === undefined ? unsigned : {
    isSigning: block.send ?? unsigned.isSigning,
    verify: block.verify ?? unsigned.verify,
    peers: block.peers ?? unsigned.peers,
    time: {
      ageMaxSeconds: block.max_age_seconds ?? timePolicyDefault.ageMaxSeconds,
      skewMaxSeconds: block.clock_skew_seconds ?? timePolicyDefault.skewMaxSeconds
    },
    noncesMax: block.nonces_max ?? unsigned.noncesMax
  }

/** What is asked of the peer of this name. */
export const verificationOf = (policy: SigningPolicy, peer: string): Verification =>
  Object.hasOwn(policy.peers, peer) ? policy.peers[peer] ?? policy.verify : policy.verify

/** Whether no caller's signature is ever looked at. */
export const isBlind = ({ peers, verify }: SigningPolicy): boolean =>
  verify === "off" && Object.values(peers).every((one) => one === "off")
