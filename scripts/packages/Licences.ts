/** The licences of what a bundle took from other packages: they ask to go with every copy. */
import { Schema } from "effect"
import * as fs from "node:fs"
import * as path from "node:path"
import { parseSync } from "oxc-parser"

const inPackage = /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/

const packageOf = (file: string): string => inPackage.exec(file.replaceAll("\\", "/"))?.[0] ?? ""

const PackageJson = Schema.fromJsonString(
  Schema.Struct({ name: Schema.String, version: Schema.String, license: Schema.String })
)
const decodePackage = Schema.decodeUnknownSync(PackageJson)

/** What a file says of whose it is: parts that came from elsewhere have a licence of their own. */
const notices = (file: string): ReadonlyArray<string> =>
  parseSync(file, fs.readFileSync(file, "utf8")).comments
    .map(({ value }) => value.replaceAll(/^\s*\*? ?/gm, "").trim())
    .filter((comment) => /copyright|licen[sc]e/i.test(comment))

/** The section of a README that is the licence, of packages that have no file for it. */
const licenceSection = (folder: string): ReadonlyArray<string> => {
  const file = path.join(folder, "README.md")
  const text = fs.existsSync(file) ? fs.readFileSync(file, "utf8") : ""
  const [, section = ""] = /^#+ licen[sc]e[^\n]*\n([\s\S]*?)(?=^#|(?![\s\S]))/im.exec(text) ?? []
  return /copyright/i.test(section) ? [section.trim()] : []
}

/** `files` are the modules of the bundle. */
export const of = (files: ReadonlyArray<string>): string =>
  [...Map.groupBy(files, packageOf)].filter(([folder]) => folder !== "").sort().map(([folder, modules]) => {
    const { license, name, version } = decodePackage(fs.readFileSync(path.join(folder, "package.json"), "utf8"))
    const texts = fs.readdirSync(folder).filter((file) => /^(licen[sc]e|notice|copying)/i.test(file))
      .map((file) => fs.readFileSync(path.join(folder, file), "utf8").trim())
    const found = new Set([
      ...texts,
      ...(texts.length === 0 ? licenceSection(folder) : []),
      ...modules.flatMap(notices)
    ])
    if (found.size === 0) throw new Error(`${name} may not be bundled: it says nothing of its licence but ${license}`)
    return [`${name} ${version}, ${license}`, ...found].join("\n\n")
  }).join(`\n\n${"-".repeat(80)}\n\n`)
