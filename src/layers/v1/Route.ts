/** One route of the v1 API: who may ask, what answers, and in which of its two styles it says what is wrong. */
import { type DateTime, type Effect, Schema } from "effect"
import type * as HttpServerResponse from "effect/http/HttpServerResponse"
import type { SrqlError } from "../../domain/srql/language/SrqlError.ts"
import type { Role } from "../../domain/v1/Permission.ts"
import type { StatusHistory } from "../../services/core/StatusHistory.ts"
import type { StatusStore, StatusStoreError } from "../../services/core/StatusStore.ts"
import type { EdgeOnboarding } from "../../services/edge/EdgeOnboarding.ts"
import type { Queries, QueryError } from "../../services/queries/Queries.ts"
import type { QueryAskers } from "../../services/queries/QueryAskers.ts"
import type { NotSignedIn, OtherTenant, Shown } from "../../services/records/Askers.ts"
import type { Asker, ReadError, Records, WriteError } from "../../services/records/Records.ts"
import type { CheckedDevices } from "../../services/v1/CheckedDevices.ts"
import type { DeviceStats } from "../../services/v1/DeviceStats.ts"
import type { SettingsStore } from "../../services/v1/SettingsStore.ts"

export interface Call {
  /** What stands in the address for each `{name}` of the path. */
  readonly at: Readonly<Record<string, string>>
  readonly query: URLSearchParams
  /** Empty but of POST and PUT. */
  readonly body: string
  readonly asker: Asker
  readonly shown: Shown
  readonly now: DateTime.Utc
}

/** In the words of the existing core. */
export class Refused extends Schema.TaggedError<Refused>()("Refused", {
  status: Schema.Int,
  words: Schema.String,
  retryAfterSeconds: Schema.optionalKey(Schema.Int)
}) {
  override get message(): string {
    return this.words
  }
}

export type Failure =
  | Refused
  | NotSignedIn
  | OtherTenant
  | StatusStoreError
  | ReadError
  | WriteError
  | QueryError
  | SrqlError

export type Needs =
  | CheckedDevices
  | DeviceStats
  | EdgeOnboarding
  | StatusStore
  | StatusHistory
  | SettingsStore
  | Records
  | Queries
  | QueryAskers

export type Handle = (call: Call) => Effect.Effect<HttpServerResponse.HttpServerResponse, Failure, Needs>

/** `{"message", "status"}`, or the words alone. */
export type Style = "json" | "text"

export interface Route {
  readonly method: "GET" | "POST" | "PUT" | "DELETE"
  /** With `{name}` for a part that the address gives. */
  readonly path: `/api/${string}`
  readonly role: Role
  readonly style: Style
  /** Whether it changes nothing; without it as the method says. */
  readonly isRead?: boolean
  readonly handle: Handle
  /** What somebody is answered who has signed in with a browser: that is the later web application, with shapes of its own. */
  readonly ofSession?: Handle
  /** Whoever asks need show nothing: nobody is asked who it is. */
  readonly isOpen?: boolean
  /** Nobody else finds the route. */
  readonly isOfSession?: boolean
}
