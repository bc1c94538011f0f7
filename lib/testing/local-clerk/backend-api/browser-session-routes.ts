import { missingParameter } from '../api-error.js';
import type { BrowserSessions } from '../frontend-api/browser-sessions.js';
import type { Routes } from './api-call.js';
import { requiredText, text } from './fields.js';

/** Calls that an application makes for a browser: the payload of a handshake, and fresh cookies. */
export function browserSessionRoutes(browsers: BrowserSessions): Routes {
  return {
    'GET /v1/clients/handshake_payload': ({ query }) => {
      const nonce = query.get('nonce');
      if (!nonce) throw missingParameter('nonce');
      return browsers.redeem(nonce);
    },
    'POST /v1/sessions/:id/refresh': ({ params, body }) =>
      browsers.refresh(params.id as string, requiredText(body, 'refresh_token'), text(body, 'request_origin')),
  };
}
