import type { IncomingHttpHeaders } from 'node:http';

import type { Credentials } from '../../authentication/identity/credentials.js';
import { CallCredentials, fitsHeader } from '../call.credentials.js';
import { isObject } from '../calls.js';
import type { GraphqlOperation } from './graphql.operation.js';
import { verifiedHeaders } from '../http/forwarded.js';
import { areHeadersText } from '../http/header-values.js';
import { HttpCredentials } from '../http/http.credentials.js';
import { webRequestWith } from '../http/web-request.js';
import type { HttpRequestLike } from '../http/http-request.js';

/** Headers of the request that opened a connection which tell where it leads. None of them is a credential. */
const ADDRESS = ['host', 'origin', 'x-forwarded-host', 'x-forwarded-proto'] as const;

type ConnectionParams = GraphqlOperation['connectionParams'];

/** Finds where a client put its token among the parameters of its connection: the names that lead there. */
export type FindToken = (connectionParams: ConnectionParams) => readonly string[] | undefined;

/**
 * What an operation presents; `undefined` where that cannot be read.
 * @param findToken Remembers what it found: a connection has many operations, and as many parameters as its client likes.
 * @param origins The origins that the application names, for what is forwarded.
 */
export function graphqlCredentials(
  operation: GraphqlOperation,
  findToken: FindToken = findTokenUnder(USUAL_NAMES),
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
    const credentials = new CallCredentials({ ...address, ...authorizationIn(operation, findToken) }, source, carrier);
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

/** What stands there. The headers of the upgrade request, its cookies too, are not taken. */
function authorizationIn({ connectionParams }: GraphqlOperation, findToken: FindToken): IncomingHttpHeaders {
  const authorization = findToken(connectionParams)?.reduce<unknown>(ownProperty, connectionParams);
  return typeof authorization === 'string' ? { authorization } : {};
}

/** Where a token is looked for unless an option says otherwise: as in the header. */
export const USUAL_NAMES: readonly string[] = ['authorization'];

/** Finds a token under the first of these names that leads to one. @param names A dot leads into an object. */
export function findTokenUnder(names: readonly string[]): FindToken {
  const paths = names.map((name) => name.toLowerCase().split('.'));
  return (connectionParams) => {
    for (const path of paths) {
      const found = pathIn(connectionParams, path);
      if (found) return found;
    }
    return undefined;
  };
}

/** As the client spelt it; `undefined` where it does not lead to a non-empty string. */
function pathIn(connectionParams: ConnectionParams, path: readonly string[]): readonly string[] | undefined {
  const found: string[] = [];
  let at: unknown = connectionParams;
  for (const wanted of path) {
    const name = isObject(at) ? Object.keys(at).find((key) => key.toLowerCase() === wanted) : undefined;
    if (name === undefined) return undefined;
    found.push(name);
    at = ownProperty(at, name);
  }
  return typeof at === 'string' && at !== '' ? found : undefined;
}

function ownProperty(of: unknown, name: string): unknown {
  return isObject(of) && Object.hasOwn(of, name) ? (of as ConnectionParams)[name] : undefined;
}
