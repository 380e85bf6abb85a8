/** The pages of whoever wants to sign in. `token` is what a form holds to be known as one of ours. */
import { html } from "./Html.ts"
import { alert, hidden, type Page } from "./Page.ts"

export interface Form {
  readonly token: string
  /** Where to go afterwards, on this host. */
  readonly to: string
  /** What is wrong with what was sent. */
  readonly problem?: string
}

/** Other ways in, where core has them. */
export interface Ways {
  readonly hasMail: boolean
  readonly providers: ReadonlyArray<string>
}

export const signIn = ({ problem, to, token }: Form, { hasMail, providers }: Ways): Page => ({
  title: "Sign in",
  body: html`${alert(problem)}
<form method="post" action="/auth/sign-in">
${hidden("form", token)}${hidden("to", to)}
<label for="name">Mail address or name</label>
<input id="name" name="name" type="text" autocomplete="username" autocapitalize="none" spellcheck="false" maxlength="320" required autofocus>
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" maxlength="200" required>
<button type="submit">Sign in</button>
</form>
${hasMail ? html`<p><a href="/auth/link">Get a link by mail instead</a></p>` : undefined}
${providers.map((name) => html`<p><a href="/auth/${name}?to=${encodeURIComponent(to)}">Sign in with ${name}</a></p>`)}`
})

export const askForLink = ({ problem, token }: Form): Page => ({
  title: "Sign in by mail",
  body: html`${alert(problem)}
<form method="post" action="/auth/link">
${hidden("form", token)}
<label for="email">Mail address</label>
<input id="email" name="email" type="email" autocomplete="email" maxlength="320" required autofocus>
<button type="submit">Send the link</button>
</form>
<p><a href="/auth/sign-in">Sign in with a password</a></p>`
})

/** The same whoever asked. */
export const linkAsked = (minutes: number): Page => ({
  title: "Look into your mail",
  body: html`<p role="status">If somebody with this address may sign in here, a link is on its way. It is good for
${String(minutes)} minutes, and once.</p>
<p><a href="/auth/sign-in">Back</a></p>`
})

/** What looks into mails before their readers do follows links, but presses no buttons. */
export const useLink = ({ token }: Form, secret: string): Page => ({
  title: "Sign in",
  body: html`<p>This link signs you in, once.</p>
<form method="post" action="/auth/link/use">
${hidden("form", token)}${hidden("token", secret)}
<button type="submit" autofocus>Sign in</button>
</form>`
})

/** Of several with one address. */
export const choose = (
  { token }: Form,
  choices: ReadonlyArray<{ readonly name: string; readonly secret: string }>
): Page => ({
  title: "Sign in",
  body: html`<p>Several organisations have somebody with your mail address. As whom do you want to sign in?</p>
${
    choices.map(({ name, secret }) =>
      html`<form method="post" action="/auth/link/use">
${hidden("form", token)}${hidden("token", secret)}
<button type="submit">${name}</button>
</form>`
    )
  }`
})

export const refused = (title: string, problem: string): Page => ({
  title,
  body: html`${alert(problem)}
<p><a href="/auth/sign-in">To the sign-in</a></p>`
})
