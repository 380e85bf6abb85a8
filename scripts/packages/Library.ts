/**
 * The library as it is published: the kit's contexts, compiled with declarations and with their sources in the maps.
 *
 * The messages of gRPC's health and reflection are read by `@bufbuild/protobuf`, of which only the wire format is needed:
 * it goes along as one file, so that the library needs nothing but `effect`, for `/grpc` also
 * `@grpc/grpc-js` and, for `/jetstream`, `@nats-io/jetstream`.
 */
import { spawnSync } from "node:child_process"
import * as fs from "node:fs"
import { createRequire } from "node:module"
import * as path from "node:path"
import { rolldown } from "rolldown"
import * as Licences from "./Licences.ts"

export const root = path.join(import.meta.dirname, "../..")

const wirePackage = "@bufbuild/protobuf/wire"

/** What users read beside the declarations. */
const guides = [
  "supervision.md",
  "testing.md",
  "pipeline.md",
  "breaker.md",
  "grpc.md",
  "srql.md",
  "resources.md",
  "simulating.md"
]

/** The place of each entry in the sources, by its name in the package. */
export const entries: Readonly<Record<string, string>> = {
  supervision: "services/supervision/index",
  "supervision/testing": "services/supervision/testing/index",
  pipeline: "services/pipeline/index",
  "pipeline/testing": "services/pipeline/testing/index",
  breaker: "services/breaker/CircuitBreaker",
  grpc: "layers/grpc/index",
  jetstream: "layers/jetstream/index",
  simulation: "services/simulation/index",
  "simulation/grpc": "layers/simulation/index",
  srql: "services/srql/index",
  resource: "services/resource/index"
}

const compile = (folder: string): void => {
  const compiler = path.join(root, "node_modules", ".bin", "tsc")
  const { status } = spawnSync(compiler, ["-p", "tsconfig.build.json", "--outDir", folder], {
    cwd: root,
    stdio: "inherit"
  })
  if (status !== 0) throw new Error("The library does not compile")
}

const vendorWire = async (folder: string): Promise<void> => {
  const bundle = await rolldown({
    cwd: root,
    input: "wire",
    platform: "node",
    logLevel: "warn",
    plugins: [{
      name: "wire",
      resolveId: (id) => id === "wire" ? "\0wire" : null,
      load: (id) => id === "\0wire" ? `export { BinaryReader, BinaryWriter } from "${wirePackage}"` : null
    }]
  })
  const { output } = await bundle.generate({ format: "esm" })
  const [chunk] = output
  fs.mkdirSync(folder, { recursive: true })
  fs.writeFileSync(path.join(folder, "wire.js"), chunk.code)
  const wire = path.dirname(createRequire(import.meta.url).resolve(wirePackage)).replace("/cjs/", "/esm/")
  fs.copyFileSync(path.join(wire, "binary-encoding.d.ts"), path.join(folder, "wire.d.ts"))
  const modules = chunk.moduleIds.filter((id) => !id.startsWith("\0"))
  fs.writeFileSync(path.join(folder, "LICENSES.txt"), `${Licences.of(modules)}\n`)
}

const filesIn = (folder: string, ending: RegExp): ReadonlyArray<string> =>
  fs.existsSync(folder)
    ? fs.readdirSync(folder, { recursive: true, encoding: "utf8" })
      .filter((name) => ending.test(name))
      .map((name) => path.join(folder, name))
    : []

const useVendored = (generated: string, vendored: string): void => {
  for (const file of filesIn(generated, /\.(js|d\.ts)$/)) {
    const place = path.relative(path.dirname(file), path.join(vendored, "wire.js"))
    fs.writeFileSync(file, fs.readFileSync(file, "utf8").replaceAll(`"${wirePackage}"`, `"${place}"`))
  }
}

/** An example as a user of the package writes it. */
export const asUser = (text: string): string =>
  Object.entries(entries).reduce(
    (code, [name, place]) => code.replaceAll(`"../src/${place}.ts"`, `"serviceradar-effect/${name}"`),
    text
  ).replaceAll(/^\/\/ In your own project: from .*\n/gm, "")

/** Writes everything but `package.json`. */
export const build = async (folder: string): Promise<void> => {
  const dist = path.join(folder, "dist")
  compile(dist)
  await vendorWire(path.join(dist, "vendor"))
  useVendored(path.join(dist, "gen"), path.join(dist, "vendor"))
  for (const name of guides.filter((name) => fs.existsSync(path.join(root, "docs", name)))) {
    fs.cpSync(path.join(root, "docs", name), path.join(folder, "docs", name))
  }
  fs.mkdirSync(path.join(folder, "examples"))
  for (const file of filesIn(path.join(root, "examples"), /\.ts$/)) {
    const code = asUser(fs.readFileSync(file, "utf8"))
    // What still names a source is about the product, which the library is not.
    if (!/"(\.\.\/)+src\//.test(code)) fs.writeFileSync(path.join(folder, "examples", path.basename(file)), code)
  }
  fs.copyFileSync(path.join(root, "packages/library/README.md"), path.join(folder, "README.md"))
}
