/** The page of whoever has signed in. */
import { bytesMax, bytesMin } from "../Password.ts"
import { html } from "./Html.ts"
import { alert, hidden, type Page } from "./Page.ts"

export interface Account {
  readonly name: string
  readonly role: string
  readonly token: string
  /** Whether there is one to change, which then is asked for. */
  readonly hasPassword: boolean
  readonly problem?: string
  readonly notice?: string
}

export const account = ({ hasPassword, name, notice, problem, role, token }: Account): Page => ({
  title: "Your account",
  body: html`${alert(problem)}${notice === undefined ? undefined : html`<p class="notice" role="status">${notice}</p>`}
<dl><dt>Signed in as</dt><dd>${name}</dd><dt>Role</dt><dd>${role}</dd></dl>
<form method="post" action="/auth/sign-out">
${hidden("form", token)}
<button type="submit">Sign out</button>
</form>
<h2>${hasPassword ? "Change your password" : "Set a password"}</h2>
<form method="post" action="/auth/password">
${hidden("form", token)}
<input type="text" name="username" autocomplete="username" value="${name}" hidden>
${
    hasPassword
      ? html`<label for="current">Password until now</label>
<input id="current" name="current" type="password" autocomplete="current-password" maxlength="200" required>`
      : undefined
  }
<label for="password">New password</label>
<input id="password" name="password" type="password" autocomplete="new-password" aria-describedby="rule" required>
<p id="rule">${String(bytesMin)} to ${
    String(bytesMax)
  } characters of a to z, digits and signs; other letters count for more.</p>
<label for="repeated">New password again</label>
<input id="repeated" name="repeated" type="password" autocomplete="new-password" required>
<button type="submit">Save</button>
</form>
<p>Your other sign-ins end when you save.</p>`
})
