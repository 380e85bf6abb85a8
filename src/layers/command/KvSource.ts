/**
 * Where the key-value store is whose documents lie over a configuration file: the variables of the existing services.
 *
 * `CONFIG_SOURCE=kv` and `KV_ADDRESS` ask for it; `KV_SEC_MODE` says how it is reached.
 */
import { Config, Effect, Option, Schema } from "effect"
import * as SecurityConfig from "../../domain/security/SecurityConfig.ts"
import * as ConfigSource from "./ConfigSource.ts"

export class InvalidKvSource extends Schema.TaggedError<InvalidKvSource>()("InvalidKvSource", {
  variable: Schema.String,
  value: Schema.String,
  expected: Schema.String
}) {
  override get message(): string {
    return `${this.variable} is ${JSON.stringify(this.value)}, expected ${this.expected}: CONFIG_SOURCE is "kv"`
  }
}

export interface KvSource {
  readonly address: string
  readonly security: SecurityConfig.SecurityConfig
}

const text = (name: string) => Config.String(name).pipe(Config.withDefault(""))

const files = {
  mtls: [["KV_CERT_FILE", "cert_file"], ["KV_KEY_FILE", "key_file"], ["KV_CA_FILE", "ca_file"]],
  spiffe: [["KV_TRUST_DOMAIN", "trust_domain"], ["KV_SERVER_SPIFFE_ID", "server_spiffe_id"]]
} as const

const securityOf = Effect.fnUntraced(function*(mode: string) {
  const invalid = (variable: string, value: string, expected: string) =>
    new InvalidKvSource({ variable, value, expected })
  if (mode === "none") return SecurityConfig.none
  if (mode !== "mtls" && mode !== "spiffe") {
    return yield* invalid("KV_SEC_MODE", mode, "\"none\", \"mtls\" or \"spiffe\"")
  }
  const given = yield* Effect.forEach(
    files[mode],
    ([variable, key]) =>
      Effect.flatMap(text(variable), (value) =>
        value === ""
          ? Effect.fail(invalid(variable, value, `a value, because KV_SEC_MODE is ${mode}`))
          : Effect.succeed([key, value] as const))
  )
  const own = Object.fromEntries(given)
  const block = mode === "mtls"
    ? { mode, server_name: yield* text("KV_SERVER_NAME"), tls: own }
    : { mode, ...own, workload_socket: yield* text("KV_WORKLOAD_SOCKET"), cert_dir: yield* text("KV_CERT_DIR") }
  return yield* Schema.decodeUnknownEffect(SecurityConfig.RolelessBlock)(block).pipe(
    Effect.map(SecurityConfig.fromBlock),
    Effect.mapError((error) => invalid("KV_SEC_MODE", mode, error.message))
  )
})

/** None where the file alone counts. */
export const find = Effect.gen(function*() {
  const source = yield* text("CONFIG_SOURCE")
  if (source.trim().toLowerCase() !== "kv") {
    yield* ConfigSource.check
    return Option.none<KvSource>()
  }
  const address = yield* text("KV_ADDRESS")
  if (address === "") {
    return yield* new InvalidKvSource({ variable: "KV_ADDRESS", value: "", expected: "an address such as host:50057" })
  }
  const driver = yield* text("KV_DRIVER")
  if (!["", "grpc"].includes(driver.toLowerCase())) {
    return yield* new InvalidKvSource({
      variable: "KV_DRIVER",
      value: driver,
      expected: "nothing: the data service is asked, which keeps its keys in NATS"
    })
  }
  const mode = yield* text("KV_SEC_MODE")
  return Option.some<KvSource>({ address, security: yield* securityOf(mode.toLowerCase()) })
})
