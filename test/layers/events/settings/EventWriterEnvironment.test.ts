import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Duration, Effect, Option, Redacted } from "effect"
import * as fc from "fast-check"
import * as EventWriterSettings from "../../../../src/domain/events/settings/EventWriterSettings.ts"
import { streamNames } from "../../../../src/domain/events/stream/Streams.ts"
import * as EventWriterEnvironment from "../../../../src/layers/events/settings/EventWriterEnvironment.ts"

const given = (variables: Readonly<Record<string, string>>) => <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.provideService(effect, ConfigProvider.ConfigProvider, ConfigProvider.fromEnv({ env: variables }))

const read = (variables: Readonly<Record<string, string>>) => given(variables)(EventWriterEnvironment.read)

const settingsOf = (variables: Readonly<Record<string, string>>, file: EventWriterSettings.EventWriterOptions = {}) =>
  Effect.map(read(variables), ({ options }) => EventWriterSettings.resolve([options, file]))

const problemsOf = (variables: Readonly<Record<string, string>>) =>
  read(variables).pipe(
    Effect.flip,
    Effect.map((error) =>
      error._tag === "EnvironmentError" ? error.problems.map(({ value, variable }) => `${variable} is ${value}`) : []
    )
  )

describe("EventWriterEnvironment", () => {
  it.effect("says nothing when nothing is set, so that the defaults are those of the documentation", () =>
    Effect.gen(function*() {
      const isEnabled = yield* given({})(EventWriterEnvironment.wantsWriter)
      const settings = yield* settingsOf({ EVENT_WRITER_CONSUMER_NAME: " " })

      assert.isFalse(isEnabled)
      assert.deepStrictEqual(settings.nats, {
        url: Option.none(),
        credentials: { _tag: "None" },
        security: { _tag: "None" }
      })
      assert.deepStrictEqual(settings.streams.map(({ stream }) => stream), [...streamNames])
      assert.isTrue(settings.streams.every((one) => one.batchSize === 500 && one.concurrency === 4))
      assert.strictEqual(settings.consumer, "serviceradar-event-writer")
      assert.deepStrictEqual(settings.jetStream, Option.none())
      assert.isTrue(settings.hasMigrations)
      assert.isTrue(Option.isNone(settings.database.url))
    }))

  it.effect("tells of variables that look like the writer's and are not", () =>
    Effect.gen(function*() {
      const { warnings } = yield* read({
        EVENT_WRITER_TENNANT: "acme",
        EVENT_WRITER_STREAM_LOGS_BATCH_SIZES: "5",
        DB_EVENT_WRITER_COLOUR: "blue",
        // Each known, though the second of two names is not looked at.
        EVENT_WRITER_NATS_URL: "nats://localhost",
        DB_EVENT_WRITER_NATS_URL: "nats://localhost",
        EVENT_WRITER_STREAM_LOGS_BATCH_SIZE: "5",
        EVENT_WRITER_ENABLED: "yes",
        EVENTS: "of somebody else",
        EVENT_WRITERS_TENANT: "of somebody else"
      })

      assert.deepStrictEqual([...warnings].sort(), [
        "DB_EVENT_WRITER_COLOUR is set, and no variable has that name: it is ignored",
        "EVENT_WRITER_STREAM_LOGS_BATCH_SIZES is set, and no variable has that name: it is ignored. " +
        "Did you mean EVENT_WRITER_STREAM_LOGS_BATCH_SIZE?",
        "EVENT_WRITER_TENNANT is set, and no variable has that name: it is ignored. Did you mean EVENT_WRITER_TENANT?"
      ])
    }))

  it.effect("knows yes and no in the documented words", () =>
    Effect.gen(function*() {
      const enabled = (text: string) => given({ EVENT_WRITER_ENABLED: text })(EventWriterEnvironment.wantsWriter)

      for (const text of ["true", "1", "yes", "on", " TRUE ", "Yes"]) assert.isTrue(yield* enabled(text), text)
      for (const text of ["false", "0", "no", "off", "False"]) assert.isFalse(yield* enabled(text), text)
      const error = yield* Effect.flip(enabled("enabled"))
      assert.strictEqual(
        error.message,
        "EVENT_WRITER_ENABLED is \"enabled\", expected true, 1, yes or on; or false, 0, no or off"
      )
    }))

  it.effect("lets the two batch variables count for every stream that has none of its own", () =>
    Effect.gen(function*() {
      const settings = yield* settingsOf({
        EVENT_WRITER_BATCH_SIZE: "50",
        EVENT_WRITER_BATCH_TIMEOUT: "1500",
        EVENT_WRITER_STREAM_LOGS_BATCH_SIZE: "7",
        EVENT_WRITER_STREAM_LOGS_BATCH_TIMEOUT: "2s",
        EVENT_WRITER_STREAM_SWEEP_ENABLED: "no"
      })

      assert.deepStrictEqual(
        settings.streams.map((one) => [one.stream, one.batchSize, Duration.toMillis(one.batchTimeout)]),
        streamNames.filter((stream) => stream !== "SWEEP").map((stream) =>
          stream === "LOGS" ? [stream, 7, 2_000] : [stream, 50, 1_500]
        )
      )
    }))

  it.effect("gives each stream its own numbers, whichever it is", () =>
    Effect.promise(() =>
      fc.assert(fc.asyncProperty(
        fc.constantFrom(...streamNames),
        fc.integer({ min: 1, max: 20_000 }),
        fc.integer({ min: 1, max: 60_000 }),
        (stream, size, millis) =>
          Effect.runPromise(Effect.map(
            settingsOf({
              [`EVENT_WRITER_STREAM_${stream}_BATCH_SIZE`]: String(size),
              [`EVENT_WRITER_STREAM_${stream}_BATCH_TIMEOUT`]: String(millis)
            }),
            ({ streams }) => {
              for (const one of streams) {
                const isIt = one.stream === stream
                assert.strictEqual(one.batchSize, isIt ? size : EventWriterSettings.batchSizeDefault)
                assert.strictEqual(
                  Duration.toMillis(one.batchTimeout),
                  isIt ? millis : Duration.toMillis(EventWriterSettings.batchTimeoutDefault)
                )
              }
            }
          ))
      ))
    ))

  it.effect("weighs more than the file, key by key", () =>
    Effect.gen(function*() {
      const settings = yield* settingsOf(
        { EVENT_WRITER_CONSUMER_NAME: "mine", EVENT_WRITER_STREAM_LOGS_ENABLED: "yes", CNPG_PASSWORD: "new" },
        {
          consumer: "theirs",
          jetStream: "events",
          streams: { LOGS: { enabled: false, batchSize: 5 }, SWEEP: { enabled: false } },
          database: { host: "pg", database: "db", username: "u", password: Option.some(Redacted.make("old")) }
        }
      )

      assert.strictEqual(settings.consumer, "mine")
      assert.deepStrictEqual(settings.jetStream, Option.some("events"))
      assert.deepStrictEqual(settings.streams.find(({ stream }) => stream === "LOGS")?.batchSize, 5)
      assert.isUndefined(settings.streams.find(({ stream }) => stream === "SWEEP"))
      assert.strictEqual(
        Redacted.value(Option.getOrThrow(settings.database.url)),
        "postgresql://u:new@pg:5432/db"
      )
    }))

  it.effect("prefers its own variables to those of the Go writer's container, and these to the general ones", () =>
    Effect.gen(function*() {
      const url = (variables: Readonly<Record<string, string>>) =>
        Effect.map(settingsOf(variables), ({ nats }) => Redacted.value(Option.getOrThrow(nats.url)))
      const all = {
        NATS_URL: "nats://c:4222",
        DB_EVENT_WRITER_NATS_URL: "nats://b:4222",
        EVENT_WRITER_NATS_URL: "a:4222"
      }

      assert.strictEqual(yield* url(all), "nats://a:4222")
      assert.strictEqual(yield* url({ ...all, EVENT_WRITER_NATS_URL: "" }), "nats://b:4222")
      assert.strictEqual(yield* url({ NATS_URL: all.NATS_URL }), "nats://c:4222")
    }))

  it.effect("knows the Go writer's overrides", () =>
    Effect.gen(function*() {
      const settings = yield* settingsOf({
        DB_EVENT_WRITER_STREAM_NAME: "events",
        DB_EVENT_WRITER_CONSUMER_NAME: "db-event-writer",
        DB_EVENT_WRITER_NATS_CREDS_FILE: "/run/writer.creds",
        DB_EVENT_WRITER_STREAMS_JSON: "[{\"subject\":\"netflow.>\",\"table\":\"netflow_metrics\"}]",
        DB_EVENT_WRITER_CNPG_MAX_CONNECTIONS: "4",
        DB_EVENT_WRITER_CNPG_MIN_CONNECTIONS: "0",
        ENABLE_DB_MIGRATIONS: "off"
      })

      assert.deepStrictEqual(settings.jetStream, Option.some("events"))
      assert.strictEqual(settings.consumer, "db-event-writer")
      assert.deepStrictEqual(settings.nats.credentials, { _tag: "CredsFile", path: "/run/writer.creds" })
      assert.deepStrictEqual(settings.streams.map(({ stream }) => stream), ["NETFLOW"])
      assert.deepStrictEqual(settings.flowTable, Option.some("netflow_metrics"))
      assert.strictEqual(settings.database.pool.maxConnections, 4)
      assert.isFalse(settings.hasMigrations)
    }))

  it.effect("follows the documented order of credentials, and wants a seed for a JWT", () =>
    Effect.gen(function*() {
      const credentials = (variables: Readonly<Record<string, string>>) =>
        Effect.map(settingsOf(variables), ({ nats }) => nats.credentials._tag)
      const user = { EVENT_WRITER_NATS_USER: "u", EVENT_WRITER_NATS_PASSWORD: "p" }
      const nkey = { ...user, EVENT_WRITER_NATS_NKEY_SEED: "SUA", EVENT_WRITER_NATS_JWT: "ey" }

      assert.strictEqual(yield* credentials(user), "User")
      assert.strictEqual(yield* credentials(nkey), "Nkey")
      assert.strictEqual(yield* credentials({ ...nkey, EVENT_WRITER_NATS_CREDS_FILE: "a.creds" }), "CredsFile")
      assert.deepStrictEqual(yield* problemsOf({ ...user, EVENT_WRITER_NATS_JWT: "ey" }), [
        "EVENT_WRITER_NATS_NKEY_SEED is missing"
      ])
    }))

  it.effect("takes certificates from the documented folders when TLS is asked for", () =>
    Effect.gen(function*() {
      const caFile = (variables: Readonly<Record<string, string>>) =>
        Effect.map(settingsOf(variables), ({ nats }) => nats.security._tag === "Mtls" ? nats.security.caFile : "")
      const tls = { EVENT_WRITER_NATS_TLS: "true" }

      assert.strictEqual(yield* caFile({ SPIFFE_CERT_DIR: "/certs" }), "")
      assert.strictEqual(yield* caFile(tls), "/etc/serviceradar/certs/root.pem")
      assert.strictEqual(yield* caFile({ ...tls, SPIFFE_CERT_DIR: "/certs" }), "/certs/root.pem")
      assert.strictEqual(yield* caFile({ ...tls, DATASVC_CERT_DIR: "/other/" }), "/other/root.pem")
    }))

  it.effect("tells all that is wrong at once, with variable, value and expectation, but never a secret", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(read({
        EVENT_WRITER_BATCH_SIZE: "many",
        EVENT_WRITER_STREAM_LOGS_BATCH_TIMEOUT: "2h",
        EVENT_WRITER_NATS_URL: "http://user:hunter2@nats",
        DATABASE_URL: "mysql://root:hunter2@db",
        EVENT_WRITER_TENANT: "logs",
        EVENT_WRITER_NATS_STREAM: "a.b"
      }))

      assert.strictEqual(error._tag, "EnvironmentError")
      assert.notInclude(error.message, "hunter2")
      assert.deepStrictEqual(error.message.split("\n").sort(), [
        "DATABASE_URL is <redacted>, expected an address such as \"postgresql://user@host:5432/database\"",
        "EVENT_WRITER_BATCH_SIZE is \"many\", expected a whole number of messages from 1 to 20000",
        "EVENT_WRITER_NATS_STREAM is \"a.b\", expected a name without spaces, dots, slashes, * and >",
        "EVENT_WRITER_NATS_URL is <redacted>, expected an address such as \"nats://127.0.0.1:4222\", or several with commas between them",
        "EVENT_WRITER_STREAM_LOGS_BATCH_TIMEOUT is \"2h\", expected a time from 1ms to 60s, in milliseconds or with a unit",
        "EVENT_WRITER_TENANT is \"logs\", expected a name without spaces and dots that no subject starts with"
      ])
    }))
})
