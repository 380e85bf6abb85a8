/**
 * The import rule between rooms: arrows point down only.
 *
 *   programs → layers → services → domain        layers → gen
 */
import * as path from "node:path"
import { importsOf, type SourceFile } from "./SourceTree.ts"

const allowed: Readonly<Record<string, ReadonlyArray<string>>> = {
  domain: ["domain"],
  services: ["services", "domain"],
  layers: ["layers", "services", "domain", "gen"],
  gen: ["gen"],
  programs: ["programs", "layers", "services", "domain"]
}

/** Rooms that may import packages other than `effect`, and Node's own modules. */
const mayUseDrivers = new Set(["layers", "programs", "gen"])

/** Modules of effect that reach outside the process: no business of the domain. */
const effectfulModules = /^effect\/(http|http-api|sql|rpc|cluster|workflow|cli|process|socket|net|workers|persistence)/

const roomOf = (file: string): string => file.split("/")[1] ?? ""

const isEffect = (specifier: string): boolean => specifier === "effect" || specifier.startsWith("effect/")

const violation = (file: SourceFile, specifier: string): string | undefined => {
  const room = roomOf(file.path)
  if (specifier.startsWith(".")) {
    const target = roomOf(path.posix.normalize(path.posix.join(path.posix.dirname(file.path), specifier)))
    return allowed[room]?.includes(target) === true ? undefined : `${file.path}: ${room} must not import ${specifier}`
  }
  if (mayUseDrivers.has(room)) return undefined
  if (!isEffect(specifier)) return `${file.path}: ${room} must not import ${specifier}, only effect`
  return room === "domain" && effectfulModules.test(specifier)
    ? `${file.path}: domain must not import ${specifier}, only data modules of effect`
    : undefined
}

/** One line for each import that breaks the rule. */
export const violations = (files: ReadonlyArray<SourceFile>): ReadonlyArray<string> =>
  files.flatMap((file) => importsOf(file).flatMap((specifier) => violation(file, specifier) ?? []))
