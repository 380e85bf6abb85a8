/**
 * `serviceradar up --mtls`: core, agent, poller, PostgreSQL and NATS know each other by certificates of a CA of the directory.
 *
 * What is there and would be taken is kept; the rest is made. Each of them serves and dials with its own certificate.
 */
import { Duration, Effect } from "effect"
import * as path from "node:path"
import * as SecurityConfig from "../../../domain/security/SecurityConfig.ts"
import * as CertificateFolder from "../../../layers/security/CertificateFolder.ts"
import * as CertificateReport from "../../../layers/security/CertificateReport.ts"
import type { LocalSetup } from "./LocalSetup.ts"

const services = ["core", "agent", "poller", "postgres", "nats"] as const
type Service = typeof services[number] | "sync"

const authorityLife = Duration.days(3_650)
const life = Duration.days(365)

const ensure = Effect.fnUntraced(function*(folder: string, wanted: ReadonlyArray<Service>) {
  // A CA that is there already is no error here.
  yield* Effect.option(CertificateFolder.init(folder, authorityLife))
  const verdicts = yield* Effect.orElseSucceed(CertificateReport.verify(folder), () => [])
  const usable = new Set(verdicts.filter(({ problem }) => problem === "").map(({ name }) => name))
  const missing = wanted.filter((service) => !usable.has(`${service}.serviceradar`))
  yield* Effect.forEach(missing, (service) => CertificateFolder.issue(folder, service, { hosts: [], life }))
})

const blockOf = (folder: string, service: Exclude<Service, "postgres" | "nats">): SecurityConfig.SecurityBlock => ({
  mode: "mtls",
  cert_dir: folder,
  // The files of existing sync services say so.
  role: service === "sync" ? "poller" : service,
  tls: { cert_file: `${service}.pem`, key_file: `${service}-key.pem`, ca_file: "root.pem" }
})

const filesOf = (folder: string, service: Service): SecurityConfig.CertificateFiles => {
  const caFile = path.join(folder, "root.pem")
  return {
    certFile: path.join(folder, `${service}.pem`),
    keyFile: path.join(folder, `${service}-key.pem`),
    caFile,
    clientCaFile: caFile
  }
}

/** The same setup, with certificates on every gRPC connection and on those to PostgreSQL and NATS. */
export const apply = Effect.fn("LocalCertificates.apply")(function*(setup: LocalSetup) {
  const folder = path.join(setup.directory, "certs")
  yield* ensure(folder, services)
  yield* Effect.logInfo(`Core, agent, poller, PostgreSQL and NATS speak mTLS with the certificates in ${folder}`)
  const poller = SecurityConfig.fromBlock(blockOf(folder, "poller"))
  return {
    ...setup,
    certificates: {
      postgres: filesOf(folder, "postgres"),
      nats: filesOf(folder, "nats"),
      core: filesOf(folder, "core")
    },
    core: {
      ...setup.core,
      security: blockOf(folder, "core"),
      edge_onboarding: { cert_dir: folder, ...setup.core.edge_onboarding }
    },
    agent: { ...setup.agent, security: SecurityConfig.fromBlock(blockOf(folder, "agent")) },
    poller: {
      ...setup.poller,
      security: poller,
      agents: setup.poller.agents.map((agent) => ({ ...agent, security: poller }))
    }
  } satisfies LocalSetup
})

/** What a sync service beside them serves with; undefined where they have no certificates. */
export const forSync = Effect.fnUntraced(function*({ certificates, directory }: LocalSetup) {
  if (certificates === undefined) return undefined
  const folder = path.join(directory, "certs")
  yield* ensure(folder, ["sync"])
  return blockOf(folder, "sync")
})
