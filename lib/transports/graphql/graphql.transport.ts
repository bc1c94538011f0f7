import type { ExecutionContext } from '@nestjs/common';

import type { Credentials } from '../../authentication/identity/credentials.js';
import type { Identity } from '../../authentication/identity/identity.js';
import type { Denial } from '../../errors/denial.js';
import { ClerkErrorCode } from '../../errors/error-codes.js';
import { asHttpException, toHttpException } from '../../errors/exceptions.js';
import type { LogThrottle } from '../../errors/log-throttle.js';
import type { GraphqlOptions } from '../../options/transport-options.js';
import { attachIdentity, type UserLoader } from '../attachment.js';
import { GraphqlConnections } from './graphql.connections.js';
import { findTokenUnder, graphqlCredentials, USUAL_NAMES, type FindToken } from './graphql.credentials.js';
import { graphqlOperationOf, type GraphqlOperation } from './graphql.operation.js';
import { HttpCredentials, MALFORMED } from '../http/http.credentials.js';
import { defineRequestAuth } from '../http/request-auth.js';
import type { Transport } from '../transport.js';
import { rawOf } from '../http/web-request.js';

/** Statuses in GraphQL's words, as Apollo's own errors use them. */
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

const SHARED_CONTEXT = 'Several requests share one GraphQL context: give the option "context" a function.';
const AMBIGUOUS: Denial = {
  status: 500,
  code: ClerkErrorCode.InvalidConfiguration,
  message: 'Authentication is misconfigured on this server.',
};

/** GraphQL, over whichever driver: queries and mutations that came over HTTP, and operations over a WebSocket. */
export class GraphqlTransport implements Transport {
  readonly isForeign = false;
  private readonly known = new WeakMap<object, Credentials>();
  /** The request that each context led to first. */
  private readonly requests = new WeakMap<object, object>();
  /** By the parameters of a connection. */
  private readonly paths = new WeakMap<object, { readonly path: readonly string[] | undefined }>();
  private readonly searchToken: FindToken;

  /** @param origins The origins that the application names, for what is forwarded. */
  constructor(
    private readonly throttle: LogThrottle,
    private readonly origins?: readonly string[],
    private readonly options: GraphqlOptions = {},
    private readonly connections = new GraphqlConnections(),
  ) {
    this.searchToken = findTokenUnder(options.connectionParams ?? USUAL_NAMES);
  }

  carrier(context: ExecutionContext): object {
    return graphqlOperationOf(context).call;
  }

  /** Read once for each operation, however many resolvers ask. */
  credentials(context: ExecutionContext): Credentials | Denial {
    const operation = graphqlOperationOf(context);
    if (operation.isAmbiguous || this.leadsElsewhere(operation)) {
      this.throttle.write('error', SHARED_CONTEXT);
      return AMBIGUOUS;
    }
    const credentials =
      this.known.get(operation.carrier) ?? graphqlCredentials(operation, this.findToken, this.origins);
    if (!credentials) return MALFORMED;
    this.known.set(operation.carrier, credentials);
    return credentials;
  }

  private readonly findToken: FindToken = (connectionParams) => {
    let found = this.paths.get(connectionParams);
    if (!found) this.paths.set(connectionParams, (found = { path: this.searchToken(connectionParams) }));
    return found.path;
  };

  /** To the request that the credentials were read of: by now the context may lead to another one. */
  attach(
    context: ExecutionContext,
    identity: Identity,
    userLoader: UserLoader | undefined,
    credentials: Credentials,
  ): void {
    attachIdentity(this.carrier(context), identity, userLoader);
    attachIdentity(credentials.carrier, identity, userLoader);
    if (credentials instanceof HttpCredentials) defineRequestAuth(credentials.source, identity);
  }

  /** Whether this context led to the request of another caller before. */
  private leadsElsewhere({ context, request }: GraphqlOperation): boolean {
    if (!request) return false;
    const [raw, first] = [rawOf(request), this.requests.get(context)];
    if (!first) this.requests.set(context, raw);
    return first !== undefined && first !== raw;
  }

  /** The same for every driver: `extensions` with GraphQL's code, ours, and Clerk's reverification body. */
  deny(context: ExecutionContext, denial: Denial): Error {
    this.disconnectIfExpired(context, denial);
    const exception = toHttpException(denial);
    const { clerk_error } = exception.getResponse() as { clerk_error?: object };
    // Apollo's driver replaces our code by one of its own wherever the body names a status.
    Reflect.deleteProperty(exception.getResponse() as object, 'statusCode');
    const { code: clerkCode, message, missing, retryAfterInSeconds: retryAfter } = denial;
    const more = {
      ...(missing && { missing }),
      ...(clerk_error && { clerk_error }),
      ...(retryAfter && { retryAfter }),
    };
    const details = { clerkCode, ...more };
    return Object.assign(exception, { message, extensions: { code: codeOf(denial.status), ...details } });
  }

  denyWith(context: ExecutionContext, error: Error, denial: Denial): Error {
    this.disconnectIfExpired(context, denial);
    const refusal = asHttpException(error, denial);
    const { extensions } = error as { extensions?: object };
    return Object.assign(refusal, { extensions: { code: codeOf(refusal.getStatus()), ...extensions } });
  }

  /** Every further operation on that connection would be refused as well: a new one brings a fresh token. */
  private disconnectIfExpired(context: ExecutionContext, { code }: Denial): void {
    if (!this.options.disconnectOnExpiry || code !== ClerkErrorCode.TokenExpired) return;
    this.connections.closeOnceAnswered(graphqlOperationOf(context));
  }
}

function codeOf(status: number): string {
  return CODES[status] ?? 'INTERNAL_SERVER_ERROR';
}
