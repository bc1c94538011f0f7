import type { IncomingHttpHeaders } from 'node:http';

import type { Credentials } from '../authentication/credentials.js';
import { CallCredentials } from './call.credentials.js';
import type { GraphqlOperation } from './graphql.operation.js';
import { areHeadersText } from './header-values.js';
import { HttpCredentials } from './http.credentials.js';
import { toWebRequest } from './web-request.js';

/** Headers of the request that opened a connection which tell where it leads. None of them is a credential. */
const ADDRESS = ['host', 'origin', 'x-forwarded-host', 'x-forwarded-proto'] as const;

/** What an operation presents; `undefined` where that cannot be read. */
export function graphqlCredentials(operation: GraphqlOperation): Credentials | undefined {
  const { request, carrier, source } = operation;
  try {
    if (request) {
      const credentials = new OperationCredentials(request, carrier);
      return credentials.isReadable ? credentials : undefined;
    }
    const opened = (source as { headers?: IncomingHttpHeaders | null }).headers ?? {};
    const address = Object.fromEntries(ADDRESS.map((name) => [name, opened[name]]));
    const credentials = new CallCredentials({ ...address, ...authorizationIn(operation) }, source, carrier);
    return areHeadersText(credentials.headers) && credentials.request ? credentials : undefined;
  } catch {
    return undefined;
  }
}

/**
 * What the HTTP request of an operation presents. An operation is a program's, even where a browser sends it as if it
 * opened a page: Clerk must not answer it with a handshake.
 */
class OperationCredentials extends HttpCredentials {
  private readonly ownHeaders: IncomingHttpHeaders = { ...this.source.headers, 'sec-fetch-dest': 'empty' };
  private ownRequest: Request | undefined;

  override get headers(): IncomingHttpHeaders {
    return this.ownHeaders;
  }

  override get request(): Request {
    const { method, target: url, headers, source } = this;
    return (this.ownRequest ??= toWebRequest({ method, url, headers, socket: (source.raw ?? source).socket }));
  }
}

/** The header that the client named among its connection parameters. The upgrade request's own, cookies too, are not taken. */
function authorizationIn({ connectionParams }: GraphqlOperation): IncomingHttpHeaders {
  const named = Object.entries(connectionParams).find(([name]) => name.toLowerCase() === 'authorization');
  return typeof named?.[1] === 'string' ? { authorization: named[1] } : {};
}
