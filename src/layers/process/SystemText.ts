/**
 * What the operating system says of a file that could not be used, in words for an operator.
 *
 * Effect's errors have a tag for the usual causes and `Unknown` for the rest, such as a read-only file system or a broken
 * disk; the system's own error is in their cause.
 */
const words: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EBUSY: "it is in use",
  EDQUOT: "the user's share of the disk is full",
  EEXIST: "there is one already",
  EIO: "the disk fails",
  EISDIR: "it is a folder",
  ELOOP: "it is a link",
  EMFILE: "too many open files",
  ENAMETOOLONG: "the name is too long",
  ENFILE: "too many open files on this machine",
  ENOENT: "there is no such file",
  ENOSPC: "no space left on the disk",
  ENOTDIR: "a part of the path is no folder",
  EPERM: "not permitted",
  EROFS: "the file system is read-only",
  ESTALE: "the network file system has lost it"
}

interface SystemError {
  readonly message: string
  readonly code?: unknown
  readonly cause?: unknown
}

const isSystemError = (value: unknown): value is SystemError => value instanceof Error

/** As `there is no such file (ENOENT)`; the error's own message where nothing better is known. */
export const systemText = (error: SystemError): string => {
  const cause = isSystemError(error.cause) ? error.cause : error
  const code = typeof cause.code === "string" ? cause.code : ""
  const text = Object.hasOwn(words, code) ? words[code] : undefined
  return text === undefined ? cause.message : `${text} (${code})`
}
