import type { IncomingMessage, ServerResponse } from 'node:http';

import { ApiError } from '../api-error.js';
import { readBody } from '../body.js';
import type { HttpApi, HttpCall } from '../local-server.js';
import { Router } from '../router.js';
import type { ApiHandler, Routes } from './api-call.js';
import { jsonObject } from './fields.js';

/** The owner of a secret key: the instance or one of its machines; `undefined` for an unknown key. */
export type KeyHolder = { readonly machineId: string | undefined } | undefined;

/** Clerk's Backend API, which servers call with a secret key. */
export class BackendApi implements HttpApi {
  private readonly router: Router<ApiHandler>;

  constructor(
    routes: Routes,
    private readonly holderOf: (key: string) => KeyHolder,
  ) {
    this.router = new Router(routes);
  }

  async answer(request: IncomingMessage, response: ServerResponse, call: HttpCall): Promise<void> {
    try {
      answer(response, 200, await this.call(request, call));
    } catch (error) {
      if (request.destroyed && !request.complete) return;
      const known = error instanceof ApiError ? error : new ApiError(500, 'internal_clerk_error', String(error));
      answer(response, known.status, known.toBody());
    }
  }

  private async call(request: IncomingMessage, { method, path, query }: HttpCall): Promise<unknown> {
    const [, key = ''] = /^Bearer (.+)$/.exec(request.headers.authorization ?? '') ?? [];
    const holder = this.holderOf(key);
    if (!holder) throw new ApiError(401, 'clerk_key_invalid', 'The provided Clerk Secret Key is invalid.');
    const { handler, params } = this.router.find(method, path);
    if (holder.machineId !== undefined && !path.startsWith('/m2m_tokens')) {
      throw new ApiError(403, 'authorization_invalid', 'A machine may only use the M2M token endpoints');
    }
    return handler({ params, query, body: jsonObject(await readBody(request)), machineId: holder.machineId });
  }
}

function answer(response: ServerResponse, status: number, body: unknown): void {
  // No charset: with one, Clerk's SDK does not parse the body as JSON.
  response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
}
