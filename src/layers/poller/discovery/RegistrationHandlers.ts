/**
 * `serviceradar.AgentRegistration` on a poller.
 *
 * An agent is dialled where its call came from, at the port that it names: it cannot make the poller dial anything else.
 * With certificates it needs the permission of an agent, and the id is its certificate's until the lease ends.
 */
import { Duration, Effect, Option, Schema } from "effect"
import { AgentId, type PollerId } from "../../../domain/monitoring/Ids.ts"
import * as Announcement from "../../../domain/poller/discovery/Announcement.ts"
import * as CertificateIdentity from "../../../domain/security/CertificateIdentity.ts"
import * as HostPort from "../../../domain/sockets/HostPort.ts"
import { AgentRegistrationService } from "../../../gen/serviceradar/registration.ts"
import type { ArrivalRefused, Arrivals } from "../../../services/poller/discovery/Arrivals.ts"
import type { Refused } from "../../../services/poller/discovery/Refusals.ts"
import {
  AlreadyExists,
  FailedPrecondition,
  type GrpcError,
  InvalidArgument,
  ResourceExhausted
} from "../../grpc/GrpcError.ts"
import * as GrpcServer from "../../grpc/GrpcServer.ts"
import type { ServerCall } from "../../grpc/index.ts"
import * as GrpcAuthorization from "../../security/GrpcAuthorization.ts"
import * as PeerCertificate from "../../security/PeerCertificate.ts"

export interface Options {
  readonly pollerId: PollerId
  readonly lease: Duration.Duration
  readonly arrivals: Arrivals["Service"]
}

const identityOf = ({ peerCertificate }: ServerCall): string =>
  Option.match(peerCertificate, {
    onNone: () => "",
    onSome: (certificate) => CertificateIdentity.nameOf(PeerCertificate.identityOf(certificate))
  })

const toGrpc = (error: ArrivalRefused): GrpcError => {
  const detail = error.message
  switch (error.refusal) {
    case "configured":
      return new FailedPrecondition({ detail })
    case "taken":
      return new AlreadyExists({ detail })
    case "full":
      return new ResourceExhausted({ detail })
  }
}

const decode = Schema.decodeUnknownEffect(Announcement.Announcement)
const decodeId = Schema.decodeUnknownEffect(AgentId)

const invalid = ({ message }: { readonly message: string }): GrpcError => new InvalidArgument({ detail: message })

export const make = ({ arrivals, lease, pollerId }: Options) => {
  const refused = (reason: Refused["reason"]) => ({ message: detail }: { readonly message: string }) =>
    arrivals.refused({ source: "registration", reason, detail })
  const taken = <A>(decided: Effect.Effect<A, ArrivalRefused>) =>
    decided.pipe(
      Effect.tapError((error) => refused(error.refusal)(error)),
      Effect.mapError(toGrpc)
    )
  return GrpcServer.service(AgentRegistrationService, {
    register: Effect.fnUntraced(function*(request, call) {
      const announced = yield* decode(request).pipe(Effect.tapError(refused("unreadable")), Effect.mapError(invalid))
      const peer = Option.getOrUndefined(HostPort.parse(call.peer))
      if (peer === undefined) {
        return yield* new FailedPrecondition({
          detail: "an agent registers over TCP: it is dialled where it called from"
        })
      }
      const arrival = Announcement.toArrival(announced, {
        address: HostPort.format({ host: peer.host, port: announced.port }),
        identity: identityOf(call),
        source: "registration"
      })
      yield* taken(arrivals.announce(arrival, Duration.toMillis(lease)))
      return { pollerId, leaseMillis: BigInt(Duration.toMillis(lease)) }
    }),
    deregister: Effect.fnUntraced(function*(request, call) {
      const agentId = yield* Effect.mapError(decodeId(request.agentId), invalid)
      yield* taken(arrivals.withdraw(agentId, { identity: identityOf(call), source: "registration" }))
      return {}
    })
  })
}

/** What a caller needs. */
export const requirements = GrpcAuthorization.requirements(AgentRegistrationService, {
  register: "report",
  deregister: "report"
})
