/**
 * What whoever sets up a component unpacks: its certificate, a configuration that uses it, and a script that puts both in place.
 *
 * Names of files are fixed. What an admin has typed stands in JSON alone, or quoted in a text that nobody runs.
 */
import type { ComponentType } from "./EdgePackage.ts"

export interface BundleFile {
  readonly name: string
  readonly mode: number
  readonly text: string
}

export interface Bundled {
  readonly id: string
  readonly label: string
  readonly componentId: string
  readonly componentType: ComponentType
  /** The one name of its certificate. */
  readonly commonName: string
  /** Where core takes reports, if whoever made the package has said so. */
  readonly coreAddress: string | undefined
  /** The name in the certificate of what it connects to. */
  readonly serverName: string
  /** Settings of a checker, as JSON. */
  readonly checkerConfig: string | undefined
  /** All in PEM. */
  readonly ca: string
  readonly cert: string
  readonly key: string
}

const secret = 0o600
const open = 0o644
const runnable = 0o755

const files = { cert_file: "component.pem", key_file: "component-key.pem", ca_file: "ca-chain.pem" }

/** Where the certificates are as long as nobody has put them elsewhere. */
const certificates = "certs"

const securityOf = (role: ComponentType, serverName?: string) => ({
  mode: "mtls",
  cert_dir: certificates,
  role,
  ...(serverName === undefined ? {} : { server_name: serverName }),
  tls: files
})

const configOf = ({ checkerConfig, componentId, componentType, coreAddress, serverName }: Bundled): string => {
  const written = (config: object) => `${JSON.stringify(config, null, 2)}\n`
  switch (componentType) {
    case "poller":
      return written({
        ...(coreAddress === undefined ? {} : { core_address: coreAddress }),
        poller_id: componentId,
        listen_addr: ":50053",
        agents: {},
        // Agents that register here show certificates of their own names.
        discovery: { registration: {}, security: securityOf("poller") },
        security: securityOf("poller", serverName)
      })
    case "agent":
      return written({ agent_id: componentId, listen_addr: ":50051", security: securityOf("agent") })
    case "checker":
      return checkerConfig === undefined ? "{}\n" : `${checkerConfig}\n`
  }
}

const installer = (componentType: ComponentType): string =>
  `#!/bin/sh
# Puts the certificate and the configuration where the ${componentType} finds them: ./install.sh [FOLDER]
set -eu
umask 077
folder="\${1:-/etc/serviceradar}"
case "$folder" in
  /*) ;;
  *) echo "$folder: expected a path that begins with /" >&2; exit 2 ;;
esac
case "$folder" in
  *[!A-Za-z0-9/._-]*) echo "$folder: expected letters, digits and the characters / . _ - only" >&2; exit 2 ;;
esac
here="$(cd "$(dirname "$0")" && pwd)"
mkdir -p "$folder/certs"
cp "$here/certs/component.pem" "$here/certs/component-key.pem" "$here/certs/ca-chain.pem" "$folder/certs/"
sed "s|\\"cert_dir\\": \\"${certificates}\\"|\\"cert_dir\\": \\"$folder/certs\\"|" "$here/config/config.json" > "$folder/${componentType}.json"
echo "$folder/${componentType}.json is ready"
`

const readme = ({ commonName, componentId, componentType, coreAddress, id, label }: Bundled): string => {
  const run = componentType === "checker"
    ? "The settings of the checker are in config/config.json."
    : `Run it here:

    serviceradar ${componentType} --config config/config.json

or install it, by default below /etc/serviceradar, and run it from there:

    ./install.sh
    serviceradar ${componentType} --config /etc/serviceradar/${componentType}.json`
  const more = {
    poller: coreAddress === undefined
      ? "Nobody has said where core takes reports: put \"core_address\", such as \"core.example.org:50052\", into the configuration first."
      : "It asks the agents that register with it, and those that you name under \"agents\".",
    agent: `Pollers dial it with "server_name": "${commonName}" in their "security".`,
    checker: ""
  }
  return `# ${componentType} ${componentId}

Package ${id}, ${JSON.stringify(label)}. Its certificate has the name ${commonName}; the key is in this archive alone.

${run}
${more[componentType] === "" ? "" : `\n${more[componentType]}\n`}`
}

export const filesOf = (bundled: Bundled): ReadonlyArray<BundleFile> => [
  { name: `certs/${files.cert_file}`, mode: open, text: bundled.cert },
  { name: `certs/${files.key_file}`, mode: secret, text: bundled.key },
  { name: `certs/${files.ca_file}`, mode: open, text: bundled.ca },
  { name: "config/config.json", mode: secret, text: configOf(bundled) },
  { name: "install.sh", mode: runnable, text: installer(bundled.componentType) },
  { name: "README.md", mode: open, text: readme(bundled) }
]
