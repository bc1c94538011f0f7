import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

import { play, type Outage } from './faults.js';
import { LocalClerkError } from './local-clerk.error.js';

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

/** What a request is for. */
export interface HttpCall {
  readonly method: string;
  /** Without query. */
  readonly path: string;
  readonly query: URLSearchParams;
}

/** One of the APIs that share the port. It answers whatever happens. */
export interface HttpApi {
  answer(request: IncomingMessage, response: ServerResponse, call: HttpCall): Promise<void>;
}

/** The HTTP side of the local Clerk: the port, faults and the log; what is answered comes from its APIs. */
export class LocalServer {
  readonly requests: ReceivedRequest[] = [];
  outage: { readonly kind: Outage; readonly pathPrefix: string; met: number } | undefined;
  private readonly server: Server;

  constructor(private readonly apiAt: (path: string) => HttpApi) {
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
    if (outage && path.startsWith(outage.pathPrefix)) {
      if (!(await play(outage.kind, outage.met++, request, response))) return;
    }
    await this.apiAt(path).answer(request, response, { method, path, query: new URLSearchParams(query.join('?')) });
  }
}

function portUnavailable(port: number, cause: Error): LocalClerkError {
  const message = `The local Clerk cannot listen on 127.0.0.1:${port} (${cause.message}). Stop what listens there, or leave the port out to get a free one.`;
  return new LocalClerkError('port-unavailable', message, { cause });
}
