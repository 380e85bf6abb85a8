import { assert, describe, it } from "@effect/vitest"
import * as Endpoint from "../../../../../../src/layers/grpc/internal/client/http2/Endpoint.ts"

describe("Endpoint", () => {
  it("is what a target names, with the port that gRPC takes where there is none", () => {
    const cases: ReadonlyArray<readonly [string, Endpoint.Endpoint]> = [
      ["agent:50051", { host: "agent", port: 50_051 }],
      ["127.0.0.1:50051", { host: "127.0.0.1", port: 50_051 }],
      ["[::1]:50051", { host: "::1", port: 50_051 }],
      ["[fe80::1%eth0]:50051", { host: "fe80::1%eth0", port: 50_051 }],
      ["dns:///agent.lan:50051", { host: "agent.lan", port: 50_051 }],
      ["ipv4:10.0.0.1:50051", { host: "10.0.0.1", port: 50_051 }],
      ["ipv6:[::1]:50051", { host: "::1", port: 50_051 }],
      ["dns:50051", { host: "dns", port: 50_051 }],
      ["[fe80::1%Eth0]:1", { host: "fe80::1%Eth0", port: 1 }],
      ["dns:///agent", { host: "agent", port: 443 }],
      ["unix:/run/agent.sock", { path: "/run/agent.sock" }],
      ["unix:///run/agent.sock", { path: "/run/agent.sock" }],
      ["unix:agent.sock", { path: "agent.sock" }]
    ]
    for (const [target, endpoint] of cases) assert.deepStrictEqual(Endpoint.ofTarget(target), endpoint, target)
  })

  it("is none for a list, a name server, or what is no target", () => {
    const targets = [
      "ipv4:10.0.0.1:1,10.0.0.2:1",
      "dns://10.0.0.53/agent:1",
      "agent:port",
      "agent:99999",
      "unix-abstract:a"
    ]
    for (const target of targets) assert.isUndefined(Endpoint.ofTarget(target), target)
  })

  it("is announced without scheme and zone", () => {
    assert.deepStrictEqual(
      ["agent:1", "dns:///agent:1", "[fe80::1%eth0]:1", "unix:/run/agent.sock"].map(Endpoint.authorityOf),
      ["agent:1", "agent:1", "[fe80::1]:1", "localhost"]
    )
  })
})
