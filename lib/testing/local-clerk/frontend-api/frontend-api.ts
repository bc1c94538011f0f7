import type { IncomingMessage, ServerResponse } from 'node:http';

import { ApiError } from '../api-error.js';
import { readBody } from '../body.js';
import type { HttpApi, HttpCall } from '../local-server.js';
import { Router } from '../router.js';
import type { Store } from '../store.js';
import type { TokenIssuer } from '../token-issuer.js';
import { accountPages } from './account-pages.js';
import type { BrowserHandler, BrowserReply } from './browser-call.js';
import type { BrowserSessions } from './browser-sessions.js';
import { clientRoutes } from './client-routes.js';
import { handshakeRoutes } from './handshake-routes.js';
import { Html } from './html.js';

const PATHS = /^\/(v1\/(client|dev_browser)|sign-in|sign-up|sign-out)(\/|$)/;

/** Clerk's Frontend API: handshakes, tokens, and the pages for signing in and out. */
export class FrontendApi implements HttpApi {
  private readonly router: Router<BrowserHandler>;

  constructor(
    store: Store,
    tokens: TokenIssuer,
    private readonly browsers: BrowserSessions,
  ) {
    this.router = new Router({
      ...handshakeRoutes(browsers),
      ...clientRoutes(store, tokens, browsers),
      ...accountPages(store, browsers),
    });
  }

  serves(path: string): boolean {
    return PATHS.test(path);
  }

  async answer(request: IncomingMessage, response: ServerResponse, call: HttpCall): Promise<void> {
    const { origin } = request.headers;
    if (origin) allow(origin, response);
    if (call.method === 'OPTIONS') {
      response.writeHead(204).end();
      return;
    }
    try {
      send(response, await this.call(request, call));
    } catch (error) {
      if (request.destroyed && !request.complete) return;
      const known = error instanceof ApiError ? error : new ApiError(500, 'internal_clerk_error', String(error));
      send(response, { status: known.status, body: known.toBody() });
    }
  }

  private async call(request: IncomingMessage, call: HttpCall): Promise<BrowserReply> {
    const { handler, params } = this.router.find(call.method, call.path);
    const form = new URLSearchParams(await readBody(request));
    const token = this.browsers.isDevelopment
      ? (form.get('__clerk_db_jwt') ?? call.query.get('__clerk_db_jwt'))
      : /(?:^|; )__client=([^;]*)/.exec(request.headers.cookie ?? '')?.[1];
    const client = this.browsers.clients.find(token);
    return handler({ ...call, params, form, client, origin: request.headers.origin });
  }
}

/** Clerk allows calls with cookies from every origin of a development instance. */
function allow(origin: string, response: ServerResponse): void {
  response.setHeader('Access-Control-Allow-Origin', origin);
  response.setHeader('Access-Control-Allow-Credentials', 'true');
  response.setHeader('Access-Control-Allow-Methods', 'GET, POST, DELETE');
  response.setHeader('Access-Control-Allow-Headers', 'Authorization, Content-Type');
  response.setHeader('Vary', 'Origin');
}

function send(response: ServerResponse, { status, headers = {}, body }: BrowserReply): void {
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  const type = body instanceof Html ? 'text/html; charset=utf-8' : 'application/json';
  if (body) response.setHeader('Content-Type', type);
  response.writeHead(status).end(body instanceof Html ? body.markup : JSON.stringify(body));
}
