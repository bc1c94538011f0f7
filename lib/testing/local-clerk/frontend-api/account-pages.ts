import type { UserJSON } from '@clerk/backend';

import { invalidParameter, missingParameter } from '../api-error.js';
import type { Store } from '../store.js';
import { redirect, type BrowserCall, type BrowserReply, type BrowserRoutes } from './browser-call.js';
import type { BrowserSessions } from './browser-sessions.js';
import type { Client } from './clients.js';
import { html, type Html } from './html.js';
import { clientCookies, returnUrl } from './return-url.js';

/** The pages for signing in and out, without passwords. */
export function accountPages(store: Store, browsers: BrowserSessions): BrowserRoutes {
  const { clients } = browsers;
  const clientOf = ({ client }: BrowserCall) => client ?? clients.open();

  /** Redirects back to the application, or to the page itself if there is none. */
  const redirectBack = ({ form }: BrowserCall, client: Client): BrowserReply => {
    if (!form.get('redirect_url'))
      return { status: 200, body: signedInPage(store, clients.sessionOf(client)?.user_id) };
    const back = returnUrl(form);
    if (browsers.isDevelopment) back.searchParams.set('__clerk_db_jwt', client.token);
    return redirect(303, back, clientCookies(browsers, client));
  };
  const signInPage = (call: BrowserCall): BrowserReply => ({
    status: 200,
    body: page('Sign in', userPicker(store, fieldsOf(call, clientOf(call)))),
  });

  return {
    'GET /sign-in': signInPage,
    'GET /sign-up': signInPage,
    'POST /sign-in': (call) => {
      const user = store.users.get(call.form.get('user') ?? '');
      if (!user || user.banned) throw invalidParameter('user', 'must be a user who may sign in');
      const client = clientOf(call);
      clients.signIn(client, user.id);
      return redirectBack(call, client);
    },
    'POST /sign-up': (call) => {
      const firstName = call.form.get('first_name')?.trim();
      if (!firstName) throw missingParameter('first_name');
      const client = clientOf(call);
      clients.signIn(client, store.createUser({ firstName }).id);
      return redirectBack(call, client);
    },
    'POST /sign-out': (call) => {
      const client = clientOf(call);
      clients.signOut(client);
      return redirectBack(call, client);
    },
  };
}

/** Hidden fields that the form has to send. */
function fieldsOf({ query }: BrowserCall, client: Client): Html {
  const back = query.has('redirect_url') ? returnUrl(query).href : undefined;
  return html`<input type="hidden" name="__clerk_db_jwt" value="${client.token}" />${
      back && html`<input type="hidden" name="redirect_url" value="${back}" />`
    }`;
}

function userPicker(store: Store, hidden: Html): Html {
  const users = [...store.users.values()].filter(({ banned }) => !banned);
  return html`<form method="post" action="/sign-in">
      ${hidden}
      <fieldset>
        <legend>Continue as</legend>
        ${users.length === 0 ? html`<p>There are no users yet.</p>` : ''}
        ${users.map(
          (user) =>
            html`<p><button name="user" value="${user.id}">${nameOf(user)}</button> ${rightsOf(store, user)}</p>`,
        )}
      </fieldset>
    </form>
    <form method="post" action="/sign-up">
      ${hidden}
      <fieldset>
        <legend>Or as a new user</legend>
        <label>First name <input name="first_name" required autocomplete="off" /></label>
        <button>Sign up</button>
      </fieldset>
    </form>`;
}

/** Organizations and roles of this user, shown next to the name in the list. */
function rightsOf(store: Store, user: UserJSON): string {
  const memberships = store.memberships.filter(({ public_user_data }) => public_user_data.user_id === user.id);
  const rights = memberships.map(({ organization, role, permissions }) => {
    const granted = permissions.length > 0 ? permissions.join(', ') : 'no permissions';
    return `${organization.name}: ${role} with ${granted}`;
  });
  return rights.length > 0 ? rights.join('; ') : 'no organization';
}

function signedInPage(store: Store, userId: string | undefined): Html {
  const user = userId === undefined ? undefined : store.users.get(userId);
  return page(
    user ? 'Signed in' : 'Signed out',
    html`<p>${user && `You are ${nameOf(user)}.`} There is no page to return to.</p>`,
  );
}

function nameOf({ first_name, last_name, email_addresses, id }: UserJSON): string {
  const name = [first_name, last_name].filter(Boolean).join(' ');
  return name || (email_addresses[0]?.email_address ?? id);
}

const page = (title: string, content: Html): Html =>
  html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width" />
        <title>${title} · Local Clerk</title>
        <style>
          body {
            font:
              1rem/1.5 system-ui,
              sans-serif;
            max-width: 30rem;
            margin: 3rem auto;
            padding: 0 1rem;
          }
          fieldset {
            margin-bottom: 1.5rem;
          }
          button,
          input {
            font: inherit;
            padding: 0.4rem 0.8rem;
            margin: 0.2rem 0;
          }
        </style>
      </head>
      <body>
        <main>
          <h1>${title}</h1>
          <p>This is a local Clerk, for development: it requires no passwords.</p>
          ${content}
        </main>
      </body>
    </html>`;
