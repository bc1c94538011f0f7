import type { IncomingHttpHeaders } from 'node:http';

import type { Credentials } from '../authentication/credentials.js';
import { CallCredentials, fitsHeader } from './call.credentials.js';
import type { GraphqlOperation } from './graphql.operation.js';
import { verifiedHeaders } from './forwarded.js';
import { areHeadersText } from './header-values.js';
import { HttpCredentials } from './http.credentials.js';
import { webRequestWith, type HttpRequestLike } from './web-request.js';

/** Headers of the request that opened a connection which tell where it leads. None of them is a credential. */
const ADDRESS = ['host', 'origin', 'x-forwarded-host', 'x-forwarded-proto'] as const;

/** Under which name a client put its credentials among the parameters of its connection. */
export type FindName = (connectionParams: GraphqlOperation['connectionParams']) => string | undefined;

/**
 * What an operation presents; `undefined` where that cannot be read.
 * @param findName Remembers what it found: a connection has many operations, and as many parameters as its client likes.
 * @param origins The origins that the application names, for what is forwarded.
 */
export function graphqlCredentials(
  operation: GraphqlOperation,
  findName: FindName = nameOfAuthorization,
  origins?: readonly string[],
): Credentials | undefined {
  const { request, carrier, source } = operation;
  try {
    if (request) {
      const credentials = new OperationCredentials(request, carrier, origins);
      return credentials.isReadable ? credentials : undefined;
    }
    const hasHeaders = Boolean((source as Partial<HttpRequestLike>).headers);
    const opened = hasHeaders ? verifiedHeaders(source as HttpRequestLike, origins) : {};
    const address = Object.fromEntries(ADDRESS.map((name) => [name, opened[name]]));
    const credentials = new CallCredentials({ ...address, ...authorizationIn(operation, findName) }, source, carrier);
    if (!fitsHeader(credentials.headers.authorization ?? '')) return undefined;
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
  private readonly ownHeaders: IncomingHttpHeaders = { ...super.headers, 'sec-fetch-dest': 'empty' };
  private ownRequest: Request | undefined;

  override get headers(): IncomingHttpHeaders {
    return this.ownHeaders;
  }

  override get request(): Request {
    const { method, target: url, headers, source } = this;
    return (this.ownRequest ??= webRequestWith(headers, {
      ...{ method, url, headers },
      socket: (source.raw ?? source).socket,
    }));
  }
}

/** The header that the client named among its connection parameters. The upgrade request's own, cookies too, are not taken. */
function authorizationIn({ connectionParams }: GraphqlOperation, findName: FindName): IncomingHttpHeaders {
  const name = findName(connectionParams);
  const authorization = name === undefined ? undefined : connectionParams[name];
  return typeof authorization === 'string' ? { authorization } : {};
}

export const nameOfAuthorization: FindName = (connectionParams) =>
  Object.keys(connectionParams).find((name) => name.toLowerCase() === 'authorization');
