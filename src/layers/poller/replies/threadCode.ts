/** Where the thread's code is. The bundle, which is one file, has its text in this module's place, see `scripts/build.ts`. */
export const threadFile = new URL("./threadMain.ts", import.meta.url)

export const threadCode = (): { readonly code: string | URL; readonly isText: boolean } => ({
  code: threadFile,
  isText: false
})
