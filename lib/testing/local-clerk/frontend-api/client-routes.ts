import { ApiError, notFound } from '../api-error.js';
import { resource, type StoredSession } from '../resources.js';
import type { Store } from '../store.js';
import type { TokenIssuer } from '../token-issuer.js';
import { respond, type BrowserCall, type BrowserRoutes } from './browser-call.js';
import type { BrowserSessions } from './browser-sessions.js';
import type { Client } from './clients.js';

/** The endpoints that Clerk's browser SDK calls while a page is open. */
export function clientRoutes(store: Store, tokens: TokenIssuer, { clients }: BrowserSessions): BrowserRoutes {
  const known = ({ client }: BrowserCall): Client => {
    if (!client) throw new ApiError(401, 'dev_browser_unauthenticated', 'This browser is not known');
    return client;
  };
  const session = (call: BrowserCall): StoredSession => {
    const found = clients.sessionOf(known(call));
    if (!found || found.id !== call.params.id) throw notFound('The session');
    return found;
  };
  const described = (one: StoredSession) => ({ ...resource(one), user: store.users.get(one.user_id) });
  const signOut = (call: BrowserCall) => {
    const client = known(call);
    clients.signOut(client);
    return respond({ object: 'client', id: client.id, sessions: [] });
  };

  return {
    'POST /v1/dev_browser': () => ({ status: 200, body: { id: clients.open().token } }),
    'GET /v1/client': (call) => {
      const client = known(call);
      const found = clients.sessionOf(client);
      return respond({
        object: 'client',
        id: client.id,
        sessions: found ? [described(found)] : [],
        last_active_session_id: found?.id ?? null,
      });
    },
    'POST /v1/client/sessions/:id/tokens': (call) => ({
      status: 200,
      body: { object: 'token', jwt: tokens.sessionToken({ session: session(call), authorizedParty: call.origin }) },
    }),
    'POST /v1/client/sessions/:id/touch': (call) => {
      const touched = session(call);
      const organization = call.form.get('active_organization_id');
      if (organization !== null) clients.activate(touched, organization);
      return respond(described(touched));
    },
    'POST /v1/client/sessions/:id/remove': (call) => (session(call), signOut(call)),
    'DELETE /v1/client/sessions': signOut,
  };
}
