import { assert, describe, it } from "@effect/vitest"
import { Option, Redacted, Result } from "effect"
import * as NatsAddress from "../../../../src/layers/nats/connection/NatsAddress.ts"

const parse = (text: string) => NatsAddress.parse(Redacted.make(text))

const login = (text: string) => {
  const found = Option.getOrThrow(Result.getOrThrow(parse(text)).login)
  return found._tag === "Token" ? Redacted.value(found.token) : [found.user, Redacted.value(found.password)]
}

describe("NatsAddress", () => {
  it.each([
    ["nats://a:4222", ["a:4222"], false],
    ["a", ["a:4222"], false],
    ["nats://a, tls://b:4333,", ["a:4222", "b:4333"], true],
    ["nats://[::1]:4222", ["[::1]:4222"], false],
    ["127.0.0.1:80", ["127.0.0.1:80"], false]
  ])("finds in %j the servers %j", (text, servers, isTls) => {
    const address = Result.getOrThrow(parse(text))

    assert.deepStrictEqual([address.servers, address.isTls], [servers, isTls])
  })

  it("takes user and password, or a token, also where only one of the addresses has them", () => {
    assert.deepStrictEqual(login("nats://me:p%40ss@a"), ["me", "p@ss"])
    assert.deepStrictEqual(login("nats://a,nats://s3cr3t@b"), "s3cr3t")
  })

  it.each(["", " , ", "http://me:secret@a", "nats://", "nats://me:secret%zz@a", "nats://me:secret@a:99999"])(
    "says what is wrong with %j without repeating it",
    (text) => {
      const problem = Result.flip(parse(text))

      assert.isTrue(Result.isSuccess(problem) && !problem.success.includes("secret"))
    }
  )
})
