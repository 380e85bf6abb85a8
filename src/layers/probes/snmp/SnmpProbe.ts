/**
 * `snmp`: what do devices say of themselves by SNMP?
 *
 * Without details it asks all targets of `snmp.json` in the agent's `checkers_dir`, with a name one of them, with an object
 * the target that it describes. The address of an SNMP checker, as a Go poller's file has it, is asked as the Go agent
 * asks it. The message is that of the Go checker, which core takes strictly: targets and nothing beside them.
 */
import { Clock, DateTime, Duration, Effect, FileSystem, Option, Result } from "effect"
import * as path from "node:path"
import * as SnmpTarget from "../../../domain/agent/snmp/SnmpTarget.ts"
import * as SnmpValue from "../../../domain/agent/snmp/SnmpValue.ts"
import * as Details from "../../../domain/monitoring/checks/details/Details.ts"
import * as ProbeResult from "../../../domain/monitoring/checks/ProbeResult.ts"
import { InvalidTarget, parseHostPort } from "../../../domain/monitoring/checks/ProbeTarget.ts"
import * as ExactJson from "../../../domain/monitoring/ExactJson.ts"
import type { Checker, CheckRequest } from "../../../services/monitoring/Prober.ts"
import * as ConfigFile from "../../files/ConfigFile.ts"
import type { Kind, ProbeKit } from "../ProbeKit.ts"
import { SnmpFailed } from "./SnmpFailed.ts"
import type * as SnmpSession from "./SnmpSession.ts"

export const fileName = "snmp.json"

/** With its library, which an agent without SNMP never needs. */
const sessions = Effect.promise(() => import("./SnmpSession.ts"))

/** A poller waits 30 s. */
const timeout = Duration.seconds(28)
const targetLimit = Duration.seconds(25)
const targetsAtOnce = 64
/** Of one walk. */
const walkedMax = 1000
const uptimeOid = "1.3.6.1.2.1.1.3.0"

const bareForm = "nothing, the name of a target in `snmp.json`, or host:port of an SNMP checker"

const format: Details.Format<SnmpTarget.SnmpTarget> = {
  serviceType: "snmp",
  schema: SnmpTarget.SnmpTarget,
  bare: () => Result.fail("it is no JSON object"),
  bareForm
}
const parse = Details.parse(format)

const readFile = Effect.fnUntraced(function*({ config, fs }: ProbeKit) {
  const file = path.join(config.checkersDir, fileName)
  const invalid = (expected: string) => new InvalidTarget({ serviceType: "snmp", target: file, expected })
  if (config.checkersDir === "") {
    return yield* invalid("a checkers_dir with snmp.json, or details that describe a target")
  }
  return yield* ConfigFile.load(SnmpTarget.SnmpFile, file).pipe(
    Effect.provideService(FileSystem.FileSystem, fs),
    Effect.map(({ value }) => value.targets),
    Effect.mapError(({ message }) => invalid(message))
  )
})

/** The targets that the details mean; none: they mean a checker elsewhere. */
const targetsOf = Effect.fnUntraced(function*(kit: ProbeKit, details: string) {
  const text = details.trim()
  if (text.startsWith("{")) return [yield* Effect.fromResult(parse(text))]
  if (text === "") return yield* readFile(kit)
  if (Result.isSuccess(parseHostPort("snmp", text))) return []
  const found = SnmpTarget.find(yield* readFile(kit), text)
  return Option.isSome(found)
    ? [found.value]
    : yield* new InvalidTarget({ serviceType: "snmp", target: text, expected: bareForm })
})

interface OidStatus {
  readonly last_value: unknown
  readonly last_update: string
  readonly error_count: number
  readonly last_error?: string
  readonly rate_per_second?: number
}

interface TargetStatus {
  readonly available: boolean
  readonly last_poll: string
  readonly oid_status: Readonly<Record<string, OidStatus>>
  readonly error?: string
  readonly host_ip: string
  readonly host_name: string
}

/** What a checker remembers from one check to the next: of each counter the last reading, of each OID how often it failed. */
interface Memory {
  readonly samples: Map<string, SnmpValue.Sample>
  readonly errors: Map<string, number>
}

interface Named {
  readonly name: string
  readonly asked: SnmpTarget.AskedOid
  readonly answer: SnmpSession.Answered
}

/** What is asked for, under the names that it is told under. */
const ask = Effect.fnUntraced(function*(session: SnmpSession.SnmpSession, target: SnmpTarget.SnmpTarget) {
  const single = target.oids.filter(({ walk }) => walk !== true)
  const [uptime, ...answers] = yield* session.get([
    uptimeOid,
    ...single.map(({ oid }) => SnmpTarget.plainOid(oid))
  ])
  const named: Array<Named> = single.flatMap((asked, at) => {
    const answer = answers[at]
    return answer === undefined ? [] : [{ name: asked.name, asked, answer }]
  })
  for (const asked of target.oids.filter(({ walk }) => walk === true)) {
    const oid = SnmpTarget.plainOid(asked.oid)
    const { found, isCut } = yield* session.walk(oid, walkedMax)
    named.push(...found.map((answer) => ({ name: `${asked.name}${answer.oid.slice(oid.length)}`, asked, answer })))
    if (isCut) {
      const missing = `more than ${walkedMax} values are below it: those after them are left out`
      named.push({ name: asked.name, asked, answer: { oid, missing, reading: { raw: null, counterBits: 0 } } })
    }
  }
  return { named, uptime: typeof uptime?.reading.raw === "bigint" ? uptime.reading.raw : undefined }
})

const statusesOf = (
  prefix: string,
  { named, uptime }: Effect.Success<ReturnType<typeof ask>>,
  memory: Memory,
  atNanos: bigint,
  at: string
): Readonly<Record<string, OidStatus>> => {
  const statuses: Record<string, OidStatus> = {}
  for (const { answer: { missing, reading }, asked, name } of named) {
    const key = `${prefix} ${name}`
    if (missing !== undefined) {
      const count = (memory.errors.get(key) ?? 0) + 1
      memory.errors.set(key, count)
      statuses[name] = { last_value: null, last_update: at, error_count: count, last_error: missing }
      continue
    }
    const sample = typeof reading.raw === "bigint" ? { value: reading.raw, atNanos, uptime } : undefined
    const last = memory.samples.get(key)
    const isBegunAnew = last !== undefined && sample !== undefined &&
      !SnmpValue.isContinued(last, sample, reading.counterBits)
    const before = isBegunAnew ? undefined : last
    if (sample !== undefined) memory.samples.set(key, sample)
    const rate = sample === undefined ? undefined : SnmpValue.rateOf(before, sample, reading.counterBits)
    statuses[name] = {
      last_value: SnmpValue.valueOf(asked, reading, before),
      last_update: at,
      error_count: memory.errors.get(key) ?? 0,
      ...(rate === undefined ? {} : { rate_per_second: rate })
    }
  }
  return statuses
}

const poll = Effect.fnUntraced(function*(kit: ProbeKit, target: SnmpTarget.SnmpTarget, memory: Memory) {
  const at = DateTime.formatIso(yield* DateTime.now)
  const blank: TargetStatus = { available: false, last_poll: at, oid_status: {}, host_ip: "", host_name: target.host }
  let address = ""
  return yield* Effect.gen(function*() {
    const [found] = yield* kit.names.resolve(target.host)
    if (found === undefined) return { ...blank, error: "the name has no address" }
    address = found.address
    const { open } = yield* sessions
    const session = yield* open(target, found)
    const answers = yield* ask(session, target)
    const oid_status = statusesOf(
      SnmpTarget.nameOf(target),
      answers,
      memory,
      yield* Clock.monotonicTimeNanos,
      at
    )
    return { ...blank, available: true, host_ip: address, oid_status }
  }).pipe(
    Effect.scoped,
    Effect.timeoutOrElse({
      duration: targetLimit,
      orElse: () => new SnmpFailed({ reason: `no end within ${Duration.format(targetLimit)}` })
    }),
    Effect.catch(({ reason }) => Effect.succeed<TargetStatus>({ ...blank, host_ip: address, error: reason }))
  )
})

const native = (kit: ProbeKit, targets: ReadonlyArray<SnmpTarget.SnmpTarget>): Checker => {
  const memory: Memory = { samples: new Map(), errors: new Map() }
  return {
    timeout,
    failed: (reason) => ProbeResult.failed(`SNMP check failed: ${reason}`),
    check: Effect.gen(function*() {
      const startedNanos = yield* Clock.monotonicTimeNanos
      const statuses = yield* Effect.forEach(
        targets,
        (target) => Effect.map(poll(kit, target, memory), (status) => [SnmpTarget.nameOf(target), status] as const),
        { concurrency: targetsAtOnce }
      )
      return {
        available: statuses.every(([, { available }]) => available),
        responseTimeNanos: (yield* Clock.monotonicTimeNanos) - startedNanos,
        message: ExactJson.stringify(Object.fromEntries(statuses))
      }
    })
  }
}

/** An SNMP checker elsewhere, which polls by itself and says what it knows. */
const elsewhere = Effect.fnUntraced(function*({ checkers }: ProbeKit, request: CheckRequest) {
  const address = yield* Effect.fromResult(checkers.addressOf(request.serviceName, request.details))
  const checker: Checker = {
    timeout,
    failed: (reason) => ProbeResult.failed(`Failed to get status: ${reason}`),
    check: Effect.gen(function*() {
      const startedNanos = yield* Clock.monotonicTimeNanos
      const { agent } = yield* checkers.connect(request.serviceName, address)
      const answer = yield* agent.getStatus({
        serviceName: "snmp",
        serviceType: "snmp",
        details: "",
        port: 0,
        agentId: request.agentId,
        pollerId: request.pollerId
      }, { deadline: targetLimit })
      return {
        available: answer.available,
        responseTimeNanos: (yield* Clock.monotonicTimeNanos) - startedNanos,
        message: answer.message.toString()
      }
    }).pipe(
      Effect.scoped,
      Effect.catch((error) => Effect.succeed(ProbeResult.failed(`Failed to get status: ${error.message}`)))
    )
  }
  return checker
})

export const kind: Kind = {
  about: "What do devices say of themselves by SNMP v1, v2c and v3?",
  notes:
    "The message has a key for each target: `available`, `last_poll`, `oid_status`, `host_ip`, `host_name`, and `error` " +
    "where it did not answer; of each OID `last_value`, `last_update`, `error_count`, of a counter `rate_per_second` from " +
    "the second check on (also when it has passed its end, and not when the device was restarted), and `last_error` where the " +
    `device has it not. A walk takes ${walkedMax} values; where there are more, its own name has a \`last_error\` that says so. Communities and passwords are never shown. A ` +
    "target of a check that a poller asks for should stand in `snmp.json`, so that its secrets stay with the agent.",
  details: { bareForm, schema: SnmpTarget.SnmpTarget },
  examples: [
    { details: "core-switch", about: "What does this target of `snmp.json` say?" },
    {
      details:
        "{\"host\":\"192.0.2.7\",\"oids\":[{\"oid\":\".1.3.6.1.2.1.31.1.1.1.6\",\"name\":\"ifHCInOctets\",\"type\":\"counter\",\"walk\":true}]}",
      about: "How much has each interface received, and how fast?"
    }
  ],
  prepare: (kit) =>
    Effect.fnUntraced(function*(request) {
      const targets = yield* targetsOf(kit, request.details)
      return targets.length === 0 && request.details.trim() !== ""
        ? yield* elsewhere(kit, request)
        : native(kit, targets)
    })
}
