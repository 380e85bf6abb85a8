import { assert, describe, it } from "@effect/vitest"
import * as AccountPages from "../../../../src/domain/identity/pages/AccountPages.ts"
import * as Page from "../../../../src/domain/identity/pages/Page.ts"
import * as SignInPages from "../../../../src/domain/identity/pages/SignInPages.ts"

const hostile = "\"><script>alert('1')</script>&"
const form = { token: hostile, to: hostile, problem: hostile }

const pages = {
  "sign in": SignInPages.signIn(form, { hasMail: true, providers: ["google"] }),
  "ask for a link": SignInPages.askForLink(form),
  "link asked": SignInPages.linkAsked(15),
  "use a link": SignInPages.useLink(form, hostile),
  refused: SignInPages.refused(hostile, hostile),
  account: AccountPages.account({ name: hostile, role: hostile, token: hostile, hasPassword: true, problem: hostile })
}

describe("The pages of the sign-in", () => {
  it.each(Object.entries(pages))("make no markup of what somebody wrote: %s", (_, page) => {
    assert.notInclude(Page.document(page), "<script")
    assert.notInclude(Page.document(page), "\"\">")
  })

  it.each(Object.entries(pages))("can be used without eyes: %s", (_, page) => {
    const text = Page.document(page)
    assert.match(text, /^<!doctype html>\n<html lang="en">/)
    assert.match(text, /<title>[^<]+ · ServiceRadar<\/title>/)
    assert.lengthOf(text.match(/<h1>/g) ?? [], 1)
    assert.lengthOf(text.match(/<main>/g) ?? [], 1)
    const fields = [...text.matchAll(/<input (?!type="hidden")[^>]*>/g)].map(([field]) => field)
    for (const field of fields.filter((one) => !one.endsWith(" hidden>"))) {
      const id = /id="([^"]+)"/.exec(field)?.[1]
      assert.include(text, `<label for="${id}">`, field)
      assert.include(field, "autocomplete=", field)
    }
  })
})
