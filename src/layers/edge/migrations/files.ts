import * as SqlFiles from "../../postgres/migrations/SqlFiles.ts"

export const files = SqlFiles.read(import.meta.dirname)
