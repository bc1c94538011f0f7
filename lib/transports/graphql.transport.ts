import { Logger, type ExecutionContext } from '@nestjs/common';

import type { Credentials } from '../authentication/credentials.js';
import type { Identity } from '../authentication/identity.js';
import type { Denial } from '../errors/denial.js';
import { ClerkErrorCode } from '../errors/error-codes.js';
import { asHttpException, toHttpException } from '../errors/exceptions.js';
import { attachIdentity, type UserLoader } from './attachment.js';
import { graphqlCredentials, nameOfAuthorization, type FindName } from './graphql.credentials.js';
import { graphqlOperationOf } from './graphql.operation.js';
import { MALFORMED } from './http.credentials.js';
import { defineRequestAuth } from './request-auth.js';
import type { Transport } from './transport.js';

/** Statuses in GraphQL's words, as Apollo's own errors use them. */
const CODES: Readonly<Record<number, string>> = {
  302: 'UNAUTHENTICATED',
  307: 'UNAUTHENTICATED',
  400: 'BAD_REQUEST',
  401: 'UNAUTHENTICATED',
  403: 'FORBIDDEN',
  404: 'NOT_FOUND',
  503: 'SERVICE_UNAVAILABLE',
};

const AMBIGUOUS: Denial = {
  status: 500,
  code: ClerkErrorCode.InvalidConfiguration,
  message: 'Authentication is misconfigured on this server.',
};

/** GraphQL, over whichever driver: queries and mutations that came over HTTP, and operations over a WebSocket. */
export class GraphqlTransport implements Transport {
  private readonly logger = new Logger('ClerkGuard');
  private readonly known = new WeakMap<object, Credentials>();
  /** By the parameters of a connection. */
  private readonly names = new WeakMap<object, { readonly name: string | undefined }>();

  carrier(context: ExecutionContext): object {
    return graphqlOperationOf(context).call;
  }

  /** Read once for each operation, however many resolvers ask. */
  credentials(context: ExecutionContext): Credentials | Denial {
    const operation = graphqlOperationOf(context);
    if (operation.isAmbiguous) {
      this.logger.error('Several requests share one GraphQL context: give the option "context" a function.');
      return AMBIGUOUS;
    }
    const credentials = this.known.get(operation.carrier) ?? graphqlCredentials(operation, this.findName);
    if (!credentials) return MALFORMED;
    this.known.set(operation.carrier, credentials);
    return credentials;
  }

  private readonly findName: FindName = (connectionParams) => {
    let found = this.names.get(connectionParams);
    if (!found) this.names.set(connectionParams, (found = { name: nameOfAuthorization(connectionParams) }));
    return found.name;
  };

  attach(context: ExecutionContext, identity: Identity, userLoader: UserLoader): void {
    const { call, carrier, request } = graphqlOperationOf(context);
    attachIdentity(call, identity, userLoader);
    attachIdentity(carrier, identity, userLoader);
    if (request) defineRequestAuth(request, identity);
  }

  /** The same for every driver: `extensions` with GraphQL's code, ours, and Clerk's reverification body. */
  refuse(_context: ExecutionContext, denial: Denial): Error {
    const exception = toHttpException(denial);
    const { clerk_error } = exception.getResponse() as { clerk_error?: object };
    // Apollo's driver replaces our code by one of its own wherever the body names a status.
    Reflect.deleteProperty(exception.getResponse() as object, 'statusCode');
    const { code: clerkCode, message, missing } = denial;
    const details = { clerkCode, ...(missing && { missing }), ...(clerk_error && { clerk_error }) };
    return Object.assign(exception, { message, extensions: { code: codeOf(denial.status), ...details } });
  }

  refuseWith(_context: ExecutionContext, error: Error, denial: Denial): Error {
    const refusal = asHttpException(error, denial);
    const { extensions } = error as { extensions?: object };
    return Object.assign(refusal, { extensions: { code: codeOf(refusal.getStatus()), ...extensions } });
  }
}

function codeOf(status: number): string {
  return CODES[status] ?? 'INTERNAL_SERVER_ERROR';
}
