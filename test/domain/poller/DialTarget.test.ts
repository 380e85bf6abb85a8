import { assert, describe, it } from "@effect/vitest"
import { Option } from "effect"
import * as DialTarget from "../../../src/domain/poller/DialTarget.ts"

const target = (text: string) => Option.getOrUndefined(Option.map(DialTarget.parse(text), (found) => found.target))

describe("DialTarget", () => {
  it("reads addresses and the targets of gRPC that the existing poller starts with", () => {
    const targets = {
      "agent.example:50051": "agent.example:50051",
      ":50051": ":50051",
      "[2001:db8::1]:50051": "[2001:db8::1]:50051",
      "dns:///agent.example:50051": "agent.example:50051",
      "DNS:///agent.example:50051": "agent.example:50051",
      "dns://192.0.2.53/agent.example:50051": "dns://192.0.2.53/agent.example:50051",
      "passthrough:///agent.example:50051": "agent.example:50051",
      "passthrough:agent.example:50051": "agent.example:50051",
      "ipv4:192.0.2.1:50051": "192.0.2.1:50051",
      "ipv6:[2001:db8::1]:50051": "[2001:db8::1]:50051",
      "unix:/run/agent.sock": "unix:/run/agent.sock",
      "unix:///run/agent.sock": "unix:///run/agent.sock",
      "dns:50051": "dns:50051"
    }
    for (const [text, expected] of Object.entries(targets)) assert.strictEqual(target(text), expected, text)
  })

  it("takes 443 for the port of a name without one, and says so", () => {
    for (
      const [text, expected] of [
        ["agent.example", "agent.example:443"],
        ["dns:///agent.example", "agent.example:443"],
        ["2001:db8::1", "[2001:db8::1]:443"],
        ["[2001:db8::1]", "[2001:db8::1]:443"]
      ]
    ) {
      assert.deepStrictEqual(
        DialTarget.parse(text ?? ""),
        Option.some({ target: expected ?? "", isPortAssumed: true }),
        text
      )
    }
  })

  it("reads nothing that nobody can dial", () => {
    for (
      const text of [
        "",
        " ",
        "agent:",
        "agent:99999",
        "http://agent:1",
        "a b:1",
        "passthrough:///agent",
        "dns:///",
        "unix:"
      ]
    ) {
      assert.isUndefined(target(text), text)
    }
  })
})
