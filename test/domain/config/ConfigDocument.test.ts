import { assert, describe, it } from "@effect/vitest"
import { Option, Result, Schema } from "effect"
import * as ConfigDocument from "../../../src/domain/config/ConfigDocument.ts"
import { GoDuration } from "../../../src/domain/config/GoDuration.ts"

const Check = Schema.Struct({
  service_name: Schema.NonEmptyString,
  port: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 65535 })))
})
const Config = Schema.Struct({
  poller_id: Schema.NonEmptyString,
  poll_interval: Schema.optionalKey(GoDuration),
  security: Schema.optionalKey(Schema.Struct({ mode: Schema.Literals(["none", "mtls"]) })),
  agents: Schema.Record(Schema.String, Schema.Struct({ address: Schema.String, checks: Schema.Array(Check) }))
})

const decode = (text: string) => ConfigDocument.decode(Config, text)

const problemsOf = (text: string) => {
  const failure = Option.getOrThrow(Result.getFailure(decode(text)))
  return failure._tag === "Invalid" ? failure.problems : []
}

describe("ConfigDocument", () => {
  it("matches keys without regard to case and keeps the names in maps as they are", () => {
    const decoded = Result.getOrThrow(decode(`{"Poller_ID":"p","AGENTS":{"Edge-1":{"Address":"a:1","checks":[]}}}`))

    assert.deepStrictEqual(decoded.value, { poller_id: "p", agents: { "Edge-1": { address: "a:1", checks: [] } } })
    assert.deepStrictEqual(decoded.warnings, [])
  })

  it("takes null as not given", () => {
    const decoded = Result.getOrThrow(decode(`{"poller_id":"p","security":null,"agents":{}}`))

    assert.deepStrictEqual(decoded.value, { poller_id: "p", agents: {} })
  })

  it("warns of unknown keys and names the key that was probably meant", () => {
    const decoded = Result.getOrThrow(decode(`{
  "poller_id": "p", "service_type": "grpc",
  "poll_intervall": "30s",
  "agents": {"a": {"address": "a:1", "checks": [{"service_name": "x", "prot": 1}]}}
}`))

    assert.deepStrictEqual(decoded.warnings, [
      { key: "service_type", line: 2, column: 21, suggestion: Option.none() },
      { key: "poll_intervall", line: 3, column: 3, suggestion: Option.some("poll_interval") },
      { key: "agents.a.checks[0].prot", line: 4, column: 71, suggestion: Option.some("port") }
    ])
  })

  it("reports every problem at once with its place, value and expectation", () => {
    const problems = problemsOf(`{
  "poll_interval": "thirty",
  "security": {"mode": "tls"},
  "agents": {"edge 1": {"checks": [{"service_name": "", "port": 70000}, {"service_name": 5}]}}
}`)

    assert.deepStrictEqual(problems.map(({ key, line, value }) => ({ key, line, value })), [
      { key: "poller_id", line: 1, value: "missing" },
      { key: "poll_interval", line: 2, value: "\"thirty\"" },
      { key: "security.mode", line: 3, value: "\"tls\"" },
      { key: "agents[\"edge 1\"].address", line: 4, value: "missing" },
      { key: "agents[\"edge 1\"].checks[0].service_name", line: 4, value: "\"\"" },
      { key: "agents[\"edge 1\"].checks[0].port", line: 4, value: "70000" },
      { key: "agents[\"edge 1\"].checks[1].service_name", line: 4, value: "5" }
    ])
    assert.deepStrictEqual(problems.map(({ expectation }) => expectation), [
      "a value",
      "a duration such as \"30s\" or \"1h30m\", or a number of nanoseconds",
      "\"none\" | \"mtls\"",
      "a value",
      "a value with a length of at least 1",
      "a value between 0 and 65535",
      "string"
    ])
  })

  it("says of a missing key which unknown one is probably meant", () => {
    const problems = problemsOf(`{"pollerid":"p",\n"agents":{"a":{"adress":"x:1","checks":[]}}}`)

    assert.deepStrictEqual(problems.map(({ expectation, key }) => [key, expectation]), [
      ["poller_id", "a value; is pollerid in line 1 meant to be it?"],
      ["agents.a.address", "a value; is agents.a.adress in line 2 meant to be it?"]
    ])
  })

  it("reports an agent that is given twice", () => {
    const problems = problemsOf(`{"poller_id":"p","agents":{
  "a":{"address":"x:1","checks":[]},
  "a":{"address":"y:1","checks":[]}}}`)

    assert.deepStrictEqual(problems, [{
      key: "agents.a",
      line: 3,
      column: 3,
      value: "\"a\"",
      expectation: "a key that is given once; it is already given at line 2, column 3"
    }])
  })

  it("reports a key that is given twice in different case, because both mean the same field", () => {
    const problems = problemsOf(`{"poller_id":"p","Poller_Id":"q","agents":{}}`)

    assert.deepStrictEqual(problems.map(({ key }) => key), ["poller_id"])
  })

  it("shows what steers a terminal or turns the direction of writing as an escape", () => {
    const problems = problemsOf(`{"poller_id":"p","poll_interval":"\\u001b[31m\u009b1m\u202e","agents":{"a\u200b":5}}`)

    assert.deepStrictEqual(problems.map(({ key, value }) => [key, value]), [
      ["poll_interval", String.raw`"\u001b[31m\u009b1m\u202e"`],
      [String.raw`agents["a\u200b"]`, "5"]
    ])
  })

  it("does not repeat values of secret keys", () => {
    const Secret = Schema.Struct({ password: Schema.String.check(Schema.isMinLength(20)) })
    const failure = Option.getOrThrow(Result.getFailure(ConfigDocument.decode(Secret, `{"password":"hunter2"}`)))

    assert.isFalse(JSON.stringify(failure).includes("hunter2"))
  })

  it("shows no password of an address", () => {
    const schema = Schema.Struct({ database_url: Schema.String.check(Schema.isStartingWith("postgresql:")) })
    const decoded = ConfigDocument.decode(schema, "{\"database_url\":\"mysql://user:secret@db:3306/x\"}")

    assert.isTrue(Result.isFailure(decoded))
    assert.notInclude(JSON.stringify(decoded), "secret")
    assert.include(JSON.stringify(decoded), "mysql://<redacted>@db:3306/x")
  })
})
