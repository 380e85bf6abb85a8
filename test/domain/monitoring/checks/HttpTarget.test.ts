import { assert, describe, it } from "@effect/vitest"
import { Duration, Result } from "effect"
import * as HttpTarget from "../../../../src/domain/monitoring/checks/HttpTarget.ts"
import * as PlantedSecrets from "../../../support/plantedSecrets.ts"

const parsed = (details: string) => Result.getOrThrow(HttpTarget.parse(details))
const refused = (details: string) => Result.getOrThrow(Result.flip(HttpTarget.parse(details)))

describe("HttpTarget", () => {
  it("takes a plain URL with everything else at its default", () =>
    assert.deepStrictEqual(parsed(" https://example.org/health "), {
      url: "https://example.org/health",
      method: "GET",
      jsonPath: {},
      headers: {},
      timeout: Duration.seconds(10),
      httpVersion: "1.1",
      maxRedirects: 5,
      insecureSkipVerify: false
    }))

  it("takes a JSON object with durations as Go writes them", () => {
    const target = parsed(
      JSON.stringify({ url: "http://a", timeout: "1m30s", method: "HEAD", expectedStatus: [200, 404] })
    )

    assert.deepInclude(target, { method: "HEAD", expectedStatus: [200, 404] })
    assert.strictEqual(Duration.toSeconds(target.timeout), 90)
  })

  it("refuses headers that cannot be sent, by their names and without their values", () => {
    const of = (headers: Readonly<Record<string, string>>) => JSON.stringify({ url: "http://a", headers })
    const split = refused(of({ "X-Key": "se\r\ncret" })).message

    assert.include(split, "the value of X-Key has characters that no header's may have")
    assert.notInclude(split, "cret")
    assert.match(refused(of({ "X Key": "a" })).message, /expected the name of a header, not .*X Key/)
    assert.deepStrictEqual(parsed(of({ "X-Key": "a\tb é" })).headers, { "X-Key": "a\tb é" })
  })

  it("expects any 2xx unless told", () => {
    const any = parsed("http://a")
    const one = parsed("{\"url\":\"http://a\",\"expectedStatus\":404}")

    assert.deepStrictEqual([199, 200, 299, 300].map((code) => HttpTarget.isExpectedStatus(any, code)), [
      false,
      true,
      true,
      false
    ])
    assert.isTrue(HttpTarget.isExpectedStatus(one, 404))
    assert.isFalse(HttpTarget.isExpectedStatus(one, 200))
  })

  it.each([
    "",
    "example.org",
    "ftp://example.org",
    "file:///etc/passwd",
    "{\"url\":\"http://a\",\"bodyMatch\":\"(\"}",
    "{\"url\":\"http://a\",\"maxRedirects\":21}",
    "{\"url\":\"http://a\",\"expectedStatuss\":200}",
    "{\"url\":\"http://a\"",
    "{}",
    "\0"
  ])("refuses %j with what would do", (details) => assert.include(refused(details).message, "an http or https URL"))

  it("shows no secret of a target it refuses, but the mistake", () => {
    const details = {
      url: "http://me:secret@a/x",
      headers: { token: "secret" },
      body: "secret",
      secrets: "secret",
      method: "GOT"
    }
    const { message } = refused(JSON.stringify(details))

    assert.notInclude(message, "secret\"")
    assert.include(message, "GOT")
    assert.include(message, "http://a/x")
    assert.notInclude(refused("http://me:secret@[").message, "secret")
    assert.notInclude(refused("{\"token\":\"secret\"").message, "secret")
  })

  it("shows no secret wherever the mistake is", () => {
    const planted = PlantedSecrets.make()
    const whole = {
      url: `http://me:${planted.at("password")}@a/x?token=${planted.at("parameter")}`,
      headers: { authorization: planted.at("header") },
      body: planted.at("body")
    }
    const texts = [
      JSON.stringify(whole).slice(0, -1),
      `${JSON.stringify(whole)}"`,
      JSON.stringify({ ...whole, url: whole.url.replace("://", "//") }),
      JSON.stringify({ ...whole, url: [whole.url] }),
      JSON.stringify({ ...whole, headers: whole.headers.authorization }),
      JSON.stringify({ ...whole, headers: [whole.headers.authorization] }),
      JSON.stringify({ ...whole, headers: { authorization: [whole.headers.authorization] } }),
      JSON.stringify({ ...whole, body: [whole.body] }),
      JSON.stringify({ ...whole, bodies: whole.body, method: "GOT" }),
      whole.url.replace("http:", "htp:"),
      whole.url.replace("://", " ://")
    ]

    assert.deepStrictEqual(texts.filter((text) => planted.foundIn(refused(text).message).length > 0), [])
    assert.include(refused(texts[6] ?? "").message, "headers.authorization: ")
    assert.strictEqual(HttpTarget.withoutCredentials(whole.url), "http://a/x?token=<redacted>")
  })
})
