import type { IncomingHttpHeaders } from 'node:http';

import type { Credentials } from '../../authentication/identity/credentials.js';
import { CallCredentials, fitsHeader } from '../call.credentials.js';
import { isObject } from '../calls.js';
import type { GraphqlOperation } from './graphql.operation.js';
import { verifiedHeaders } from '../http/forwarded.js';
import { HttpCredentials } from '../http/http.credentials.js';
import { areHeadersText, webRequestWith } from '../http/web-request.js';
import type { HttpRequestLike } from '../http/http-request.js';

/** Headers of the upgrade request that tell which server it addresses. None of them is a credential. */
const ADDRESS_HEADERS = ['host', 'origin', 'x-forwarded-host', 'x-forwarded-proto'] as const;

type ConnectionParams = GraphqlOperation['connectionParams'];

/** Finds the token in the connection parameters. Returns the path of property names that leads to it. */
export type FindToken = (connectionParams: ConnectionParams) => readonly string[] | undefined;

/**
 * The credentials of an operation; `undefined` if they are malformed.
 * @param findToken Must cache its result: a connection has many operations, and its client may send any number of
 * parameters.
 * @param origins The application's own origins, to validate forwarded headers.
 */
export function graphqlCredentials(
  operation: GraphqlOperation,
  findToken: FindToken = findTokenUnder(DEFAULT_NAMES),
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
    const address = Object.fromEntries(ADDRESS_HEADERS.map((name) => [name, opened[name]]));
    const credentials = new CallCredentials({ ...address, ...authorizationIn(operation, findToken) }, source, carrier);
    if (!fitsHeader(credentials.headers.authorization ?? '')) return undefined;
    return areHeadersText(credentials.headers) && credentials.request ? credentials : undefined;
  } catch {
    return undefined;
  }
}

/**
 * The credentials of a GraphQL request over HTTP. Clerk must not answer an API call with a handshake, even if a browser
 * sends it like a page navigation.
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

/** The token from the connection parameters. Headers of the upgrade request, including cookies, are ignored. */
function authorizationIn({ connectionParams }: GraphqlOperation, findToken: FindToken): IncomingHttpHeaders {
  const authorization = findToken(connectionParams)?.reduce<unknown>(ownProperty, connectionParams);
  return typeof authorization === 'string' ? { authorization } : {};
}

/** The default names, as in HTTP headers. */
export const DEFAULT_NAMES: readonly string[] = ['authorization'];

/**
 * Creates a FindToken that tries these names in order.
 * @param names A dot descends into an object: `headers.authorization`.
 */
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

/** The path with the case that the client used; `undefined` if it does not lead to a non-empty string. */
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

function ownProperty(object: unknown, name: string): unknown {
  return isObject(object) && Object.hasOwn(object, name) ? (object as ConnectionParams)[name] : undefined;
}
