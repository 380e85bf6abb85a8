/** What a request says of the form of its body and of the answer. */
import { ofHeader, type Problem } from "./Problem.ts"
import { mediaType } from "./Wire.ts"

interface Media {
  readonly type: string
  readonly parameters: ReadonlyArray<string>
}

const parse = (text: string): Media => {
  const [type = "", ...parameters] = text.split(";").map((part) => part.trim().toLowerCase())
  return { type, parameters: parameters.flatMap((part) => part === "" ? [] : [part.split("=")[0] ?? ""]) }
}

/** No extension is known here; a profile may be ignored. */
const isUnderstood = ({ parameters }: Media): boolean => parameters.every((name) => name === "profile")

/** Status 415 where the body is of another type. */
export const contentProblem = (header: string | undefined): Problem | undefined => {
  const media = parse(header ?? "")
  return media.type === mediaType && isUnderstood(media)
    ? undefined
    : ofHeader(415, "Content-Type", "Unsupported Media Type", `expected ${mediaType} without parameters but profile`)
}

/** Status 406 where each form of JSON:API that is wanted has parameters that are not understood. */
export const acceptProblem = (header: string | undefined): Problem | undefined => {
  const wanted = (header ?? "").split(",").map(parse).filter(({ type }) => type === mediaType)
  const named = wanted.map(({ parameters, type }) => ({ type, parameters: parameters.filter((name) => name !== "q") }))
  return named.length === 0 || named.some(isUnderstood)
    ? undefined
    : ofHeader(406, "Accept", "Not Acceptable", `${mediaType} is answered without parameters but profile`)
}
