/**
 * Entity tags of `If-Match` and `If-None-Match`. A condition that cannot be read is refused: to pass it over would undo what
 * somebody else has written.
 */
import { Result } from "effect"
import { ofHeader, type Problem } from "./Problem.ts"

interface EntityTag {
  readonly text: string
  readonly isWeak: boolean
}

const tag = /^(W\/)?"([\x21\x23-\x7e\x80-\xff]*)"$/

/** Undefined without the header, and for `*`: whatever is there. */
const parse = (
  header: string,
  text: string | undefined
): Result.Result<ReadonlyArray<EntityTag> | undefined, Problem> => {
  if (text === undefined || text.trim() === "*") return Result.succeed(undefined)
  const parts = text.split(",").map((part) => tag.exec(part.trim()))
  const tags = parts.flatMap((part) => part === null ? [] : [{ text: part[2] ?? "", isWeak: part[1] !== undefined }])
  return tags.length === parts.length
    ? Result.succeed(tags)
    : Result.fail(
      ofHeader(400, header, "Bad Request", "is not understood, expected the ETag of an answer, in its quotes, or *")
    )
}

/** The versions of which a record must be to be changed; undefined where any will do. A weak tag is that of none. */
export const expected = (ifMatch: string | undefined): Result.Result<ReadonlyArray<string> | undefined, Problem> =>
  Result.map(
    parse("If-Match", ifMatch),
    (tags) => tags?.map(({ isWeak, text }) => isWeak ? `W/"${text}"` : text)
  )

/** Whether whoever asks has this version already. What cannot be read is no reason not to answer. */
export const isKnown = (ifNoneMatch: string | undefined, version: string): boolean =>
  ifNoneMatch !== undefined && Result.match(parse("If-None-Match", ifNoneMatch), {
    onFailure: () => false,
    onSuccess: (tags) => tags === undefined || tags.some(({ text }) => text === version)
  })
