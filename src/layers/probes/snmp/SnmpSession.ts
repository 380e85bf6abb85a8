/**
 * A conversation with one device, by the library `net-snmp`.
 *
 * What comes from the network may be anything: the library throws at some of it where nobody could catch it, so every
 * datagram is taken in here, and one that cannot be read ends the request with an error. No error has a secret in it.
 */
import { Duration, Effect, type Scope } from "effect"
import * as snmp from "net-snmp"
import type { LookupAddress } from "node:dns"
import * as SnmpTarget from "../../../domain/agent/snmp/SnmpTarget.ts"
import type { Reading } from "../../../domain/agent/snmp/SnmpValue.ts"
import { SnmpFailed } from "./SnmpFailed.ts"

export interface Answered {
  /** Without a leading dot. */
  readonly oid: string
  /** What the device has not. */
  readonly missing: string | undefined
  readonly reading: Reading
}

export interface SnmpSession {
  /** An answer for each OID, in the same order. */
  readonly get: (oids: ReadonlyArray<string>) => Effect.Effect<ReadonlyArray<Answered>, SnmpFailed>
  /** All below the OID, at most so many. */
  readonly walk: (oid: string, max: number) => Effect.Effect<Walked, SnmpFailed>
}

export interface Walked {
  readonly found: ReadonlyArray<Answered>
  /** There is more than was asked for. */
  readonly isCut: boolean
}

const portDefault = 161
/** Asked for in one datagram, which has to hold the answers too. */
const oidsAtOnce = 20
const walkRepetitions = 20
const reasonMax = 300

type Handled = Parameters<snmp.Session["onSimpleGetResponse"]>

class GuardedSession extends snmp.Session {
  /** Told of what came and cannot be read. */
  unreadable: (error: unknown) => void = () => {}

  override onSimpleGetResponse(...[request, message]: Handled): void {
    const status: unknown = message.pdu?.errorStatus
    // The library takes all that is not above 0 for success.
    if (typeof status !== "number" || status < 0) {
      const text = `the answer has the error status ${String(status)}`
      request.responseCb(new snmp.ResponseInvalidError(text, snmp.ResponseInvalidCode.EUnknownPduType))
      return
    }
    super.onSimpleGetResponse(request, message)
  }

  override onMsg(buffer: Buffer): void {
    try {
      super.onMsg(buffer)
    } catch (error) {
      // Not by `onError` of the library, which takes the error for the name of the event.
      this.unreadable(error)
    }
  }
}

const wordsOf = (error: unknown): string => {
  const text = error instanceof Error ? `${error.name} ${error.message}` : String(error)
  if (/RequestTimedOutError/.test(text)) return "no answer in time"
  // Also when the user is known by another protocol: the device cannot tell which of both it was.
  if (/Wrong Digest/.test(text)) return "the device takes neither this password nor this protocol for it: wrong digest"
  if (/community '/i.test(text)) return "the answer has another community than was asked with"
  return text.replace(/^(?:Error|RequestFailedError|ResponseInvalidError) /, "").slice(0, reasonMax)
}

const failedBy = (error: unknown): SnmpFailed => new SnmpFailed({ reason: wordsOf(error) })

const bitsOf = (type: number | undefined): Reading["counterBits"] =>
  type === snmp.ObjectType.Counter64 ? 64 : type === snmp.ObjectType.Counter32 ? 32 : 0

const unsignedOf = (bytes: Uint8Array): bigint => {
  let value = 0n
  for (const byte of bytes) value = value << 8n | BigInt(byte)
  return value
}

const readingOf = ({ type, value }: snmp.Varbind): Reading => {
  const counterBits = bitsOf(type)
  if (typeof value === "number") {
    return { raw: Number.isSafeInteger(value) ? BigInt(value) : `${value}`, counterBits }
  }
  if (Buffer.isBuffer(value)) return { raw: counterBits === 64 ? unsignedOf(value) : value, counterBits }
  if (typeof value === "bigint" || typeof value === "boolean" || typeof value === "string") {
    return { raw: value, counterBits }
  }
  return { raw: null, counterBits }
}

const answeredOf = (varbind: snmp.Varbind): Answered => ({
  oid: varbind.oid,
  missing: snmp.isVarbindError(varbind) ? snmp.varbindError(varbind).replace(/:.*$/s, "") : undefined,
  reading: readingOf(varbind)
})

const userOf = (target: SnmpTarget.SnmpTarget): snmp.User => {
  const auth = target.auth_protocol?.toLowerCase() ?? "sha"
  const priv = target.priv_protocol?.toLowerCase() ?? "aes"
  const level = target.auth_password === undefined
    ? snmp.SecurityLevel.noAuthNoPriv
    : target.priv_password === undefined
    ? snmp.SecurityLevel.authNoPriv
    : snmp.SecurityLevel.authPriv
  return {
    name: target.username ?? "",
    level,
    ...(target.auth_password === undefined
      ? {}
      : { authProtocol: snmp.AuthProtocols[authOf(auth)], authKey: target.auth_password }),
    ...(target.priv_password === undefined
      ? {}
      : { privProtocol: snmp.PrivProtocols[privOf(priv)], privKey: target.priv_password })
  }
}

const authOf = (name: string) => SnmpTarget.authProtocols.find((one) => one === name) ?? "sha"
const privOf = (name: string) => SnmpTarget.privProtocols.find((one) => one === name) ?? "aes"

const create = (target: SnmpTarget.SnmpTarget, address: LookupAddress): GuardedSession => {
  const options = {
    port: target.port ?? portDefault,
    transport: address.family === 6 ? "udp6" : "udp4",
    timeout: Duration.toMillis(SnmpTarget.timeoutOf(target)),
    retries: target.retries ?? 1,
    // A device that leads back in a walk would lead round for ever.
    backwardsGetNexts: false
  } as const
  if (target.version === "v3") {
    const context = target.context === undefined ? {} : { context: target.context }
    return new GuardedSession(address.address, userOf(target), { ...options, ...context, version: 3 })
  }
  return new GuardedSession(address.address, target.community ?? "public", {
    ...options,
    version: target.version === "v1" ? 0 : 1
  })
}

/** For as long as the scope. */
export const open = Effect.fnUntraced(function*(
  target: SnmpTarget.SnmpTarget,
  address: LookupAddress
): Effect.fn.Return<SnmpSession, SnmpFailed, Scope.Scope> {
  /** Ends the request that is on its way when what comes cannot be read. */
  let fail: (error: unknown) => void = () => {}
  const session = yield* Effect.acquireRelease(
    Effect.try({ try: () => create(target, address), catch: failedBy }),
    (one) =>
      Effect.sync(() => {
        fail = () => {}
        one.close()
      })
  )
  session.unreadable = (error) => fail(error)
  session.on("error", (error: unknown) => fail(error))

  const ask = <A>(run: (done: (outcome: Effect.Effect<A, SnmpFailed>) => void) => void): Effect.Effect<A, SnmpFailed> =>
    Effect.callback((resume) => {
      fail = (error) => resume(new SnmpFailed({ reason: `the answer cannot be read: ${wordsOf(error)}` }))
      try {
        run(resume)
      } catch (error) {
        resume(failedBy(error))
      }
    })

  const getSome = (oids: ReadonlyArray<string>) =>
    ask<ReadonlyArray<Answered>>((done) =>
      session.get([...oids], (error: unknown, varbinds: ReadonlyArray<snmp.Varbind> | undefined) => {
        if (error !== null && error !== undefined) return done(failedBy(error))
        const answers = (varbinds ?? []).map(answeredOf)
        const isComplete = answers.length === oids.length && answers.every(({ oid }, at) => oid === oids[at])
        done(
          isComplete
            ? Effect.succeed(answers)
            : Effect.fail(new SnmpFailed({ reason: "the answer is of other OIDs than were asked for" }))
        )
      })
    )

  /** A device of version 1 refuses all of a request for one OID that it has not. */
  const getEach = (oids: ReadonlyArray<string>) =>
    Effect.forEach(oids, (oid) =>
      getSome([oid]).pipe(
        Effect.map(([answer]) => answer),
        Effect.catchIf(
          ({ reason }) => /NoSuchName/i.test(reason),
          () => Effect.succeed<Answered>({ oid, missing: "NoSuchName", reading: { raw: null, counterBits: 0 } })
        ),
        Effect.map((answer) => answer === undefined ? [] : [answer])
      )).pipe(Effect.map((all) => all.flat()))

  const groups = (oids: ReadonlyArray<string>): ReadonlyArray<ReadonlyArray<string>> =>
    Array.from(
      { length: Math.ceil(oids.length / oidsAtOnce) },
      (_, at) => oids.slice(at * oidsAtOnce, (at + 1) * oidsAtOnce)
    )

  return {
    get: (oids) =>
      Effect.forEach(groups(oids), (group) =>
        getSome(group).pipe(
          Effect.catchIf(({ reason }) => /NoSuchName|TooBig/i.test(reason), () => getEach(group))
        )).pipe(Effect.map((all) => all.flat())),
    walk: (oid, max) =>
      ask<Walked>((done) => {
        const found: Array<Answered> = []
        let isCut = false
        session.subtree(
          oid,
          walkRepetitions,
          (varbinds) => {
            for (const varbind of varbinds) {
              if (found.length < max) found.push(answeredOf(varbind))
              else isCut = true
            }
            return isCut ? true : undefined
          },
          (error) => done(error === null || error === undefined ? Effect.succeed({ found, isCut }) : failedBy(error))
        )
      })
  }
})
