import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

import { ApiError } from './api-error.js';
import { play, type Outage } from './faults.js';
import { randomText } from './ids.js';
import type { Router } from './router.js';

const MAX_BODY_BYTES = 1024 * 1024;

/** A request that the local Clerk received. Neither bodies nor credentials are kept. */
export interface ReceivedRequest {
  readonly method: string;
  /** Without query. */
  readonly path: string;
  /** `undefined` where the request was cut off or is still hanging. */
  status: number | undefined;
  /** In milliseconds since 1970. */
  readonly at: number;
}

/** Who a secret key belongs to: the instance, one of its machines, or nobody. */
export type KeyHolder = { readonly machineId: string | undefined } | undefined;

/** The HTTP side of the local Clerk: keys, bodies, faults and the log; what is answered comes from the router. */
export class BackendApi {
  readonly requests: ReceivedRequest[] = [];
  outage: { readonly kind: Outage; readonly pathPrefix: string } | undefined;
  private readonly server: Server;

  constructor(
    private readonly router: Router,
    private readonly holderOf: (key: string) => KeyHolder,
  ) {
    this.server = createServer((request, response) => void this.receive(request, response));
  }

  /** Binds loopback, and nothing else. @returns the port. */
  async listen(port: number): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.server.once('error', reject).listen(port, '127.0.0.1', resolve);
    });
    return (this.server.address() as AddressInfo).port;
  }

  /** Ends at once, hanging requests too. */
  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise<void>((resolve) => this.server.close(() => resolve()));
  }

  private async receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(`http://local${request.url ?? '/'}`);
    const { method = 'GET' } = request;
    const received: ReceivedRequest = { method, path: pathname, status: undefined, at: Date.now() };
    this.requests.push(received);
    response.on('finish', () => (received.status = response.statusCode));

    const { outage } = this;
    if (outage && pathname.startsWith(outage.pathPrefix) && !(await play(outage.kind, request, response))) return;
    try {
      const holder = this.holderOf(request.headers.authorization?.replace(/^Bearer /, '') ?? '');
      if (!holder) throw new ApiError(401, 'clerk_key_invalid', 'The provided Clerk Secret Key is invalid.');
      const { handler, params } = this.router.find(method, pathname);
      if (holder.machineId !== undefined && !pathname.startsWith('/m2m_tokens')) {
        throw new ApiError(403, 'authorization_invalid', 'A machine may only use the M2M token endpoints');
      }
      const body = await readJson(request);
      answer(response, 200, await handler({ params, query: searchParams, body, machineId: holder.machineId }));
    } catch (error) {
      const known = error instanceof ApiError ? error : new ApiError(500, 'internal_clerk_error', String(error));
      answer(response, known.status, known.toBody(randomText(32).toLowerCase()));
    }
  }
}

function answer(response: ServerResponse, status: number, body: unknown): void {
  // Exactly this content type: with a charset, Clerk's SDK takes the body for text.
  response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
}

async function readJson(request: IncomingMessage): Promise<Record<string, unknown>> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size <= MAX_BODY_BYTES) chunks.push(chunk);
  }
  if (size > MAX_BODY_BYTES) throw new ApiError(413, 'request_body_too_large', 'The request body is too large');
  if (size === 0) return {};
  let body: unknown;
  try {
    body = JSON.parse(Buffer.concat(chunks).toString());
  } catch {
    throw new ApiError(
      400,
      'request_body_invalid',
      'The request body is invalid. Please consult the API documentation.',
    );
  }
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new ApiError(400, 'request_body_invalid', 'The request body must be a JSON object');
  }
  return body as Record<string, unknown>;
}
