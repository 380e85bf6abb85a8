/**
 * Asks agents over gRPC, one channel for each connection.
 *
 * An agent whose certificate files cannot be used gets a connection on which every call is refused with that reason,
 * until they can be: it concerns this agent alone. So does one for whose connection the limit of open files leaves no room:
 * core, operators and the other agents need theirs.
 */
import { Effect, Exit, Layer, Ref, Scope, Stream } from "effect"
import type { Check } from "../../domain/monitoring/checks/Check.ts"
import type { AgentId } from "../../domain/monitoring/Ids.ts"
import type { PolledAgent } from "../../domain/poller/PollerConfig.ts"
import { HealthService } from "../../gen/grpc/health/v1/health.ts"
import { AgentServiceService, type StatusRequest, type StatusResponse } from "../../gen/monitoring/monitoring.ts"
import {
  type Admission,
  AgentClient,
  type AgentConnection,
  AgentError,
  AgentFailed,
  Busy,
  Garbled,
  NotConfigured,
  Refused,
  type StatusReply,
  TimedOut,
  Unreachable,
  Unsupported
} from "../../services/poller/AgentClient.ts"
import { Gate } from "../../services/poller/polls/Gate.ts"
import type { Credentials } from "../../services/security/Credentials.ts"
import type { SecurityMonitor } from "../../services/security/SecurityMonitor.ts"
import * as GrpcCall from "../grpc/GrpcCall.ts"
import type { MessageRoom } from "../grpc/GrpcCallOptions.ts"
import * as GrpcChannel from "../grpc/GrpcChannel.ts"
import * as GrpcClient from "../grpc/GrpcClient.ts"
import type { GrpcError } from "../grpc/GrpcError.ts"
import * as GrpcCredentials from "../security/GrpcCredentials.ts"
import * as FileLimit from "../sockets/FileLimit.ts"
import * as ConnectionLoss from "./ConnectionLoss.ts"
import { AnswerRoom } from "./replies/AnswerRoom.ts"
import * as StatusWire from "./StatusWire.ts"
import * as SweepCompletions from "./SweepCompletions.ts"

const reconnectDelayMax = "1 second"

export const layer = Layer.suspend(() => layerOf(FileLimit.connectionsOutMaxOf()))

/** With so many connections at most. */
export const layerOf = (connectionsMax: number) =>
  Layer.effect(
    AgentClient,
    Effect.gen(function*() {
      const context = yield* Effect.context<Credentials | SecurityMonitor>()
      const room = new AnswerRoom()
      const place = placesOf(connectionsMax)
      return {
        connect: Effect.fnUntraced(function*(agent, pollerId, admits = () => true) {
          const scope = yield* Effect.scope
          const opened = GrpcCredentials.client(agent.security, agent.address).pipe(
            Effect.flatMap((credentials) =>
              GrpcChannel.make({ target: agent.address, credentials, reconnectDelayMax, transport: "http2" })
            ),
            Effect.map((channel) => over(channel, agent, pollerId, { admits, room })),
            Effect.mapError(({ message }) =>
              new AgentError({ agentId: agent.agentId, reason: new Refused({ detail: message }) })
            )
          )
          // What one attempt holds goes with it.
          const open = Effect.flatMap(Scope.fork(scope), (inner) =>
            Effect.andThen(place(agent.agentId), opened).pipe(
              // In this order: the context has a scope of its own.
              Scope.provide(inner),
              Effect.provideContext(context),
              Effect.onError((cause) => Scope.close(inner, Exit.failCause(cause)))
            ))
          return yield* open.pipe(
            Effect.catch((error) => Effect.map(Ref.make(refusing(error)), (inner) => late(inner, open)))
          )
        })
      }
    })
  )

/** A place for a connection until the scope closes. */
const placesOf = (connectionsMax: number) => {
  let taken = 0
  let isNoted = false
  const note = (detail: string) =>
    Effect.suspend(() => {
      if (isNoted) return Effect.void
      isNoted = true
      return Effect.logWarning(
        `${detail}; the agents beyond are not polled until it is raised (LimitNOFILE of systemd)`
      )
    })
  return (agentId: AgentId) =>
    Effect.acquireRelease(
      Effect.suspend(() => {
        if (taken < connectionsMax) {
          taken += 1
          return Effect.void
        }
        const detail = `the limit of open files leaves room for connections to ${connectionsMax} agents`
        return Effect.andThen(
          note(detail),
          Effect.fail(new AgentError({ agentId, reason: new Unreachable({ detail }) }))
        )
      }),
      () =>
        Effect.sync(() => {
          taken -= 1
        })
    )
}

/** A connection whose certificate files could not be used: every probe looks whether they can be by now. */
const late = (
  inner: Ref.Ref<AgentConnection>,
  open: Effect.Effect<AgentConnection, AgentError>
): AgentConnection => {
  let isOpen = false
  const current = Ref.get(inner)
  const reopen = Effect.suspend(() =>
    isOpen ? Effect.void : Effect.flatMap(open, (connection) => {
      isOpen = true
      return Ref.set(inner, connection)
    })
  )
  return {
    getStatus: (check, deadline, parent) => Effect.flatMap(current, (one) => one.getStatus(check, deadline, parent)),
    getResults: (check, sequence, deadline, completion) =>
      Effect.flatMap(current, (one) => one.getResults(check, sequence, deadline, completion)),
    streamResults: (check, sequence, deadline, completion) =>
      Stream.unwrap(Effect.map(current, (one) => one.streamResults(check, sequence, deadline, completion))),
    probe: (deadline) =>
      Effect.andThen(Effect.timeoutOption(reopen, deadline), Effect.flatMap(current, (one) => one.probe(deadline))),
    get lost() {
      return Ref.getUnsafe(inner).lost
    }
  }
}

/** One watch for the life of the channel. */
const lossesOf = (channel: GrpcChannel.AnyChannel): Gate => {
  const lost = new Gate()
  ConnectionLoss.watch(channel, () => lost.releaseUnsafe())
  return lost
}

const replyOf = (
  { agentId, available, message, responseTime }: StatusResponse,
  { admittedBytes }: CallRoom
): StatusReply => ({
  available,
  message,
  agentId,
  responseTimeNanos: responseTime,
  admittedBytes
})

/** An agent is asked the same again and again. */
const once = <A extends object>(serialize: (request: A) => Buffer) => {
  const known = new WeakMap<A, Buffer>()
  return (request: A): Buffer => {
    const before = known.get(request)
    if (before !== undefined) return before
    const bytes = serialize(request)
    known.set(request, bytes)
    return bytes
  }
}

const service = {
  ...AgentServiceService,
  getStatus: {
    ...AgentServiceService.getStatus,
    responseDeserialize: StatusWire.read,
    requestSerialize: once(AgentServiceService.getStatus.requestSerialize)
  }
}

const isAnswered = <A, E>(answer: Effect.Effect<A, E>): answer is Exit.Success<A, E> =>
  Exit.isExit(answer) && Exit.isSuccess(answer)

interface Rooms {
  readonly admits: Admission
  readonly room: AnswerRoom
}

const tooMuch = "the agent sends more than it may: this large answer was not taken"

/** Of one call. */
class CallRoom implements MessageRoom {
  readonly #rooms: Rooms
  admittedBytes = 0

  constructor(rooms: Rooms) {
    this.#rooms = rooms
  }

  enter(bytes: number, told: (refusal: string | undefined) => void): () => void {
    const { admits, room } = this.#rooms
    if (!admits(bytes)) {
      told(tooMuch)
      return () => {}
    }
    this.admittedBytes = bytes
    return room.enter(bytes, () => told(undefined))
  }
}

const over = (
  channel: GrpcChannel.AnyChannel,
  agent: PolledAgent,
  pollerId: string,
  rooms: Rooms
): AgentConnection => {
  const client = GrpcClient.fromChannel(service, channel)
  const health = GrpcClient.fromChannel(HealthService, channel)
  const askDirectly = GrpcCall.direct(channel, service.getStatus)
  const failed = (error: GrpcError) => toAgentError(agent.agentId, error)
  const request = ({ details, serviceName, serviceType }: Check) => ({
    serviceName,
    serviceType,
    details,
    agentId: agent.agentId,
    pollerId
  })
  const statusRequests = new WeakMap<Check, StatusRequest>()
  const statusRequest = (check: Check): StatusRequest => {
    const known = statusRequests.get(check)
    if (known !== undefined) return known
    const made = { ...request(check), port: check.serviceType === "port" ? check.port : 0 }
    statusRequests.set(check, made)
    return made
  }
  return {
    getStatus: (check, deadline, parent) =>
      Effect.suspend(() => {
        const room = new CallRoom(rooms)
        const options = parent === undefined ? { deadline, room } : { deadline, room, parent }
        return Effect.mapBoth(client.getStatus(statusRequest(check), options), {
          onFailure: failed,
          onSuccess: (response) => replyOf(response, room)
        })
      }),
    askStatus: askDirectly === undefined ?
      undefined :
      (check, deadline, done) => {
        const room = new CallRoom(rooms)
        const reply = (response: StatusResponse) => replyOf(response, room)
        return askDirectly(statusRequest(check), { deadline, parent: "none", room }, (answer) =>
          done(
            isAnswered(answer)
              ? { _tag: "Reply", reply: reply(answer.value) }
              : { _tag: "Other", rest: Effect.mapBoth(answer, { onFailure: failed, onSuccess: reply }) }
          ))
      },
    getResults: (check, lastSequence, deadline, completion) =>
      client.getResults({ ...request(check), lastSequence, completionStatus: SweepCompletions.toWire(completion) }, {
        deadline
      }).pipe(
        Effect.map((reply) => ({
          available: reply.available,
          message: reply.data,
          agentId: reply.agentId,
          responseTimeNanos: reply.responseTime,
          sequence: reply.currentSequence,
          hasNewData: reply.hasNewData,
          completion: SweepCompletions.fromWire(reply.sweepCompletion)
        })),
        Effect.mapError(failed)
      ),
    streamResults: (check, lastSequence, deadline, completion) =>
      client.streamResults({ ...request(check), lastSequence, completionStatus: SweepCompletions.toWire(completion) }, {
        deadline
      })
        .pipe(
          Stream.map(({ chunkIndex, currentSequence, data, isFinal, totalChunks }) => ({
            data,
            isFinal,
            sequence: currentSequence,
            index: chunkIndex,
            total: totalChunks
          })),
          Stream.takeUntil((chunk) => chunk.isFinal),
          Stream.mapError(failed)
        ),
    probe: (deadline) =>
      health.check({ service: "AgentService" }, { deadline }).pipe(
        Effect.asVoid,
        // A sync service answers by another name, an old checker has no health service: both are there.
        Effect.catchTag(["NotFound", "Unimplemented"], () => Effect.void),
        Effect.mapError(failed),
        Effect.catchIf(({ reason }) => reason._tag === "Busy", () => Effect.void)
      ),
    lost: lossesOf(channel)
  }
}

const refusing = (error: AgentError): AgentConnection => {
  const refused = Effect.fail(error)
  return {
    getStatus: () => refused,
    getResults: () => refused,
    streamResults: () => Stream.fromEffect(refused),
    probe: () => refused,
    lost: new Gate()
  }
}

const toAgentError = (agentId: AgentId, error: GrpcError): AgentError => {
  const { detail } = error
  const reason = () => {
    switch (error._tag) {
      case "Unavailable":
      case "Cancelled":
      case "Aborted":
        return new Unreachable({ detail })
      case "DeadlineExceeded":
        return new TimedOut({ detail })
      case "Unauthenticated":
      case "PermissionDenied":
        return new Refused({ detail })
      case "Unimplemented":
        return new Unsupported({ detail })
      case "NotFound":
        return new NotConfigured({ detail })
      case "ResourceExhausted":
        return isTooLarge(detail) ? new Garbled({ detail }) : new Busy({ detail })
      case "DataLoss":
      case "OutOfRange":
        return new Garbled({ detail })
      case "Internal":
        return isUnreadable(detail) ? new Garbled({ detail }) : new AgentFailed({ detail })
      default:
        return new AgentFailed({ detail })
    }
  }
  return new AgentError({ agentId, reason: reason() })
}

/** What this side says of an answer beyond its limit; everything else with this code is the agent's own word. */
const isTooLarge = (detail: string): boolean =>
  /^Received (?:message (?:larger than|that decompresses to)|a message (?:of \d+ bytes, at most|that decompresses to))/i
    .test(detail)

/** What grpc-js itself reports as INTERNAL: bytes that are no message, or HTTP/2 that is none. */
const isUnreadable = (detail: string): boolean =>
  /deserializ|protocol|RST_STREAM|unexpected|pars(?:e|ing)/i.test(detail)
