import type { BrowserRoutes } from './browser-call.js';
import { redirect } from './browser-call.js';
import type { BrowserSessions } from './browser-sessions.js';
import { returnUrl } from './return-url.js';

const MINUTE_IN_SECONDS = 60;

/**
 * Applications redirect navigations here whose session they cannot determine; the browser returns with its session.
 * @see https://clerk.com/docs/guides/how-clerk-works/overview
 */
export function handshakeRoutes(browsers: BrowserSessions): BrowserRoutes {
  return {
    'GET /v1/client/handshake': ({ query, client: known }) => {
      const back = returnUrl(query);
      const client = known ?? browsers.clients.open();
      const organization = query.get('organization_id');
      const session = browsers.clients.sessionOf(client);
      if (session && organization !== null) browsers.clients.activate(session, organization);

      // Tells a satellite that the sync is done. Without this it would redirect forever if there is no session.
      if (query.get('__clerk_hs_reason') === 'satellite-needs-syncing') back.searchParams.set('__clerk_synced', 'true');
      const { nonce, token } = browsers.handshakeOf(client, back.origin);
      const [name, value] =
        query.get('format') === 'nonce' ? ['__clerk_handshake_nonce', nonce] : ['__clerk_handshake', token];
      if (!browsers.isDevelopment) {
        return redirect(307, back, [`${name}=${value}; Path=/; SameSite=Lax; Max-Age=${MINUTE_IN_SECONDS}`]);
      }
      back.searchParams.set(name, value);
      return redirect(307, back);
    },
  };
}
