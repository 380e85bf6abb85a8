/** Operator, accounts and a user of a NATS server in operator mode, as `nsc` would make them. */
import { nkeys } from "@nats-io/transport-node"

type KeyPair = ReturnType<typeof nkeys.createUser>

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url")

const sign = (issuer: KeyPair, subject: KeyPair, name: string, nats: object): string => {
  const claims = { jti: name, iat: 1_600_000_000, iss: issuer.getPublicKey(), sub: subject.getPublicKey(), name, nats }
  const text = `${encode({ typ: "JWT", alg: "ed25519-nkey" })}.${encode({ ...claims, nats: { version: 2, ...nats } })}`
  return `${text}.${Buffer.from(issuer.sign(new TextEncoder().encode(text))).toString("base64url")}`
}

const unlimited = {
  subs: -1,
  data: -1,
  payload: -1,
  imports: -1,
  exports: -1,
  wildcards: true,
  conn: -1,
  leaf: -1
}

/** The system account must have none of it. */
const jetStream = { mem_storage: -1, disk_storage: -1, streams: -1, consumer: -1 }

const armoured = (what: string, text: string): string => `-----BEGIN ${what}-----\n${text}\n------END ${what}------\n`

export const make = () => {
  const [operator, system, account, user] = [
    nkeys.createOperator(),
    nkeys.createAccount(),
    nkeys.createAccount(),
    nkeys.createUser()
  ]
  const accountJwt = sign(operator, account, "ACCOUNT", {
    type: "account",
    limits: { ...unlimited, ...jetStream }
  })
  const systemJwt = sign(operator, system, "SYS", { type: "account", limits: unlimited })
  const userJwt = sign(account, user, "writer", { type: "user", subs: -1, data: -1, payload: -1 })
  const seed = new TextDecoder().decode(user.getSeed())
  return {
    config: [
      `operator: ${sign(operator, operator, "OPERATOR", { type: "operator" })}`,
      `system_account: ${system.getPublicKey()}`,
      "resolver: MEMORY",
      `resolver_preload: { ${account.getPublicKey()}: ${accountJwt}, ${system.getPublicKey()}: ${systemJwt} }`
    ].join("\n"),
    userJwt,
    seed,
    creds: armoured("NATS USER JWT", userJwt) + armoured("USER NKEY SEED", seed)
  }
}

export const userKeys = () => {
  const user = nkeys.createUser()
  return { publicKey: user.getPublicKey(), seed: new TextDecoder().decode(user.getSeed()) }
}
