import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

import { ApiError } from './api-error.js';
import { play, type Outage } from './faults.js';
import { LocalClerkError } from './local-clerk.error.js';
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

  /**
   * Binds loopback, and nothing else. @returns the port.
   * @throws LocalClerkError with code `port-unavailable`.
   */
  async listen(port: number): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      const refused = (cause: Error) => reject(portUnavailable(port, cause));
      this.server.once('error', refused).listen(port, '127.0.0.1', () => {
        this.server.off('error', refused);
        resolve();
      });
    });
    return (this.server.address() as AddressInfo).port;
  }

  /** Ends at once, hanging requests too; again and again does no harm. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
    this.server.closeAllConnections();
    await closed;
  }

  private async receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url = '' } = request;
    const [path = '', ...query] = url.split('?');
    const received: ReceivedRequest = { method, path, status: undefined, at: Date.now() };
    this.requests.push(received);
    response.on('finish', () => (received.status = response.statusCode));

    const { outage } = this;
    if (outage && path.startsWith(outage.pathPrefix) && !(await play(outage.kind, request, response))) return;
    try {
      answer(response, 200, await this.call(request, method, path, new URLSearchParams(query.join('?'))));
    } catch (error) {
      if (request.destroyed && !request.complete) return;
      const known = error instanceof ApiError ? error : new ApiError(500, 'internal_clerk_error', String(error));
      answer(response, known.status, known.toBody());
    }
  }

  private async call(request: IncomingMessage, method: string, path: string, query: URLSearchParams): Promise<unknown> {
    const [, key = ''] = /^Bearer (.+)$/.exec(request.headers.authorization ?? '') ?? [];
    const holder = this.holderOf(key);
    if (!holder) throw new ApiError(401, 'clerk_key_invalid', 'The provided Clerk Secret Key is invalid.');
    const { handler, params } = this.router.find(method, path);
    if (holder.machineId !== undefined && !path.startsWith('/m2m_tokens')) {
      throw new ApiError(403, 'authorization_invalid', 'A machine may only use the M2M token endpoints');
    }
    return handler({ params, query, body: await readJson(request), machineId: holder.machineId });
  }
}

function portUnavailable(port: number, cause: Error): LocalClerkError {
  const message = `The local Clerk cannot listen on 127.0.0.1:${port} (${cause.message}). Stop what listens there, or leave the port out to get a free one.`;
  return new LocalClerkError('port-unavailable', message, { cause });
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
