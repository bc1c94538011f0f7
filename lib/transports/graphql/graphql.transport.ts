import type { ArgumentsHost, ExecutionContext } from '@nestjs/common';

import type { Credentials } from '../../authentication/identity/credentials.js';
import { Denied, type Denial, type Outcome } from '../../errors/denial.js';
import { INVALID_CONFIGURATION, MALFORMED_REQUEST } from '../../errors/denials.js';
import { ClerkErrorCode } from '../../errors/error-codes.js';
import { asHttpException, toHttpException } from '../../errors/exceptions.js';
import type { LogThrottle } from '../../errors/log-throttle.js';
import type { GraphqlOptions } from '../../options/transport-types.js';
import { attachIdentity } from '../attachment.js';
import { GraphqlConnections } from './graphql.connections.js';
import { findTokenUnder, graphqlCredentials, DEFAULT_NAMES, type FindToken } from './graphql.credentials.js';
import { graphqlOperationOf, type GraphqlOperation } from './graphql.operation.js';
import { HttpCredentials } from '../http/http.credentials.js';
import { defineRequestAuth } from '../http/request-auth.js';
import type { Attachment, Transport } from '../transport.js';
import { rawOf } from '../http/web-request.js';

/** The GraphQL error code of each HTTP status, as Apollo names them. */
const CODES: Readonly<Record<number, string>> = {
  302: 'UNAUTHENTICATED',
  307: 'UNAUTHENTICATED',
  400: 'BAD_REQUEST',
  401: 'UNAUTHENTICATED',
  403: 'FORBIDDEN',
  404: 'NOT_FOUND',
  422: 'UNPROCESSABLE_ENTITY',
  503: 'SERVICE_UNAVAILABLE',
};

const SHARED_CONTEXT =
  'Several requests share one GraphQL context, so the call is denied: pass a function as the option "context" of GraphQLModule.';

/** GraphQL, with any driver: queries and mutations over HTTP, and operations over a WebSocket. */
export class GraphqlTransport implements Transport {
  readonly isForeign = false;
  private readonly cache = new WeakMap<object, Credentials>();
  /** The first request that each context referred to. */
  private readonly requests = new WeakMap<object, object>();
  /** The path of the token, by connection parameters. */
  private readonly paths = new WeakMap<object, { readonly path: readonly string[] | undefined }>();
  private readonly searchToken: FindToken;

  /** @param origins The application's own origins, to validate forwarded headers. */
  constructor(
    private readonly throttle: LogThrottle,
    private readonly origins?: readonly string[],
    private readonly options: GraphqlOptions = {},
    private readonly connections = new GraphqlConnections(),
  ) {
    this.searchToken = findTokenUnder(options.connectionParams ?? DEFAULT_NAMES);
  }

  carrier(context: ExecutionContext): object {
    return graphqlOperationOf(context).call;
  }

  /** Cached for each operation, however many resolvers ask. */
  credentials(context: ExecutionContext): Outcome<Credentials> {
    const operation = graphqlOperationOf(context);
    if (operation.isAmbiguous || this.isContextReused(operation)) {
      this.throttle.write('error', SHARED_CONTEXT);
      return new Denied(INVALID_CONFIGURATION);
    }
    const credentials =
      this.cache.get(operation.carrier) ?? graphqlCredentials(operation, this.findToken, this.origins);
    if (!credentials) return new Denied(MALFORMED_REQUEST);
    this.cache.set(operation.carrier, credentials);
    return credentials;
  }

  private readonly findToken: FindToken = (connectionParams) => {
    let found = this.paths.get(connectionParams);
    if (!found) this.paths.set(connectionParams, (found = { path: this.searchToken(connectionParams) }));
    return found.path;
  };

  /** Attaches to the call. The guard attaches to the request of the credentials; the context may refer to another by now. */
  attach(context: ExecutionContext, { identity, userLoader, credentials }: Attachment): void {
    attachIdentity(this.carrier(context), identity, userLoader);
    if (credentials instanceof HttpCredentials) defineRequestAuth(credentials.source);
  }

  /** Whether this context referred to the request of another caller before. */
  private isContextReused({ context, request }: GraphqlOperation): boolean {
    if (!request) return false;
    const [raw, first] = [rawOf(request), this.requests.get(context)];
    if (!first) this.requests.set(context, raw);
    return first !== undefined && first !== raw;
  }

  /**
   * The error is the same for every driver: `extensions` with GraphQL's code, ours, and Clerk's reverification body.
   */
  deny(context: ExecutionContext, denial: Denial): Error {
    this.disconnectIfExpired(context, denial);
    const exception = toHttpException(denial);
    const { clerk_error } = exception.getResponse() as { clerk_error?: object };
    // Apollo's driver overwrites our code if the body has a status.
    Reflect.deleteProperty(exception.getResponse() as object, 'statusCode');
    const { code: clerkCode, message, missing, retryAfterInSeconds: retryAfter } = denial;
    const optional = {
      ...(missing && { missing }),
      ...(clerk_error && { clerk_error }),
      ...(retryAfter && { retryAfter }),
    };
    const details = { clerkCode, ...optional };
    return Object.assign(exception, { message, extensions: { code: codeOf(denial.status), ...details } });
  }

  answer(host: ArgumentsHost, denial: Denial): never {
    // At runtime, Nest passes filters the same object as an ExecutionContext. Handler and class are not read here.
    throw this.deny(host as ExecutionContext, denial);
  }

  denyWith(context: ExecutionContext, error: Error, denial: Denial): Error {
    this.disconnectIfExpired(context, denial);
    const exception = asHttpException(error, denial);
    const { extensions } = error as { extensions?: object };
    return Object.assign(exception, { extensions: { code: codeOf(exception.getStatus()), ...extensions } });
  }

  /** Closes the connection, because its later operations would be denied as well. A new one brings a fresh token. */
  private disconnectIfExpired(context: ExecutionContext, { code }: Denial): void {
    if (!this.options.disconnectOnExpiry || code !== ClerkErrorCode.TokenExpired) return;
    this.connections.closeOnceAnswered(graphqlOperationOf(context));
  }
}

function codeOf(status: number): string {
  return CODES[status] ?? 'INTERNAL_SERVER_ERROR';
}
