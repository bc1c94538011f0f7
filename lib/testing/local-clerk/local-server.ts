import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

import { simulate, type Outage } from './faults.js';
import { LocalClerkError } from './local-clerk.error.js';

/** A request that the local Clerk received, without body and credentials. */
export interface ReceivedRequest {
  readonly method: string;
  /** Without query. */
  readonly path: string;
  /** `undefined` if the connection was closed or the request still hangs. */
  status: number | undefined;
  /** In milliseconds since 1970. */
  readonly at: number;
}

/** The parsed request line. */
export interface HttpCall {
  readonly method: string;
  /** Without query. */
  readonly path: string;
  readonly query: URLSearchParams;
}

/** One of the APIs that share the port. It always sends a response. */
export interface HttpApi {
  answer(request: IncomingMessage, response: ServerResponse, call: HttpCall): Promise<void>;
}

/** The HTTP server of the local Clerk: the port, faults and the request log. Its APIs provide the responses. */
export class LocalServer {
  readonly requests: ReceivedRequest[] = [];
  outage: { readonly kind: Outage; readonly pathPrefix: string; affectedRequests: number } | undefined;
  private readonly server: Server;

  constructor(private readonly apiAt: (path: string) => HttpApi) {
    this.server = createServer((request, response) => void this.receive(request, response));
  }

  /**
   * Listens on loopback only.
   * @returns the port.
   * @throws LocalClerkError with code `port-unavailable`.
   */
  async listen(port: number): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      const fail = (cause: Error) => reject(portUnavailable(port, cause));
      this.server.once('error', fail).listen(port, '127.0.0.1', () => {
        this.server.off('error', fail);
        resolve();
      });
    });
    return (this.server.address() as AddressInfo).port;
  }

  /** Closes immediately, including hanging requests. May be called again. */
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
    if (outage && path.startsWith(outage.pathPrefix)) {
      if (!(await simulate(outage.kind, outage.affectedRequests++, request, response))) return;
    }
    await this.apiAt(path).answer(request, response, { method, path, query: new URLSearchParams(query.join('?')) });
  }
}

function portUnavailable(port: number, cause: Error): LocalClerkError {
  const message = `The local Clerk cannot listen on 127.0.0.1:${port} (${cause.message}). Stop the program that uses the port, or omit the port to use a free one.`;
  return new LocalClerkError('port-unavailable', message, { cause });
}
