import type { ExecutionContext } from '@nestjs/common';

import type { Credentials } from '../../authentication/identity/credentials.js';
import { subjectOf, type Identity } from '../../authentication/identity/identity.js';
import type { Denial } from '../../errors/denial.js';
import { ClerkErrorCode } from '../../errors/error-codes.js';
import { asHttpException, bodyOf } from '../../errors/exceptions.js';
import type { ResolvedClerkOptions } from '../../options/resolved-options.js';
import { attachedIdentity, attachIdentity, type UserLoader } from '../attachment.js';
import { CallCredentials, fitsHeader } from '../call.credentials.js';
import { beginCall } from '../calls.js';
import { areHeadersText } from '../http/header-values.js';
import { disconnect, socketState, credentialHeaders, requestOf, withScheme } from './sockets.js';
import type { Transport } from '../transport.js';
import type { WebSocketPackage } from './websocket.package.js';

/** What a socket is closed with that nobody is signed in on: 4000 to 4999 are for applications. */
export const UNAUTHENTICATED = 4401;

const MALFORMED: Denial = {
  status: 400,
  code: ClerkErrorCode.MalformedRequest,
  message: 'The token cannot be one.',
};

/** Messages of gateways, over socket.io or `ws`. What a message says is never looked at. */
export class WebSocketTransport implements Transport {
  readonly isForeign = false;
  constructor(
    private readonly options: Pick<ResolvedClerkOptions, 'webSocket'>,
    private readonly websockets: WebSocketPackage,
  ) {}

  carrier(context: ExecutionContext): object {
    // Nest expects the pattern last.
    const place = (length: number) => Math.max(2, length - 1);
    return beginCall(context.getArgs<unknown[]>(), { source: requestOf(clientOf(context)), place });
  }

  credentials(context: ExecutionContext): Credentials | Denial {
    return this.credentialsOf(clientOf(context), this.carrier(context));
  }

  /** What the socket presents now, for one message or for the connection itself. */
  credentialsOf(client: object, carrier: object): Credentials | Denial {
    try {
      const headers = credentialHeaders(client, this.options.webSocket);
      const { authorization = '' } = headers;
      // Of `auth.token` and a query, unlike of a header, no parser has made sure that a header can hold it.
      const isHeader =
        areHeadersText(headers) && fitsHeader(authorization) && !/[^\t\x20-\x7e\x80-\xff]/.test(authorization);
      return isHeader ? new CallCredentials(headers, requestOf(client), carrier) : MALFORMED;
    } catch {
      return MALFORMED;
    }
  }

  /** A token that a client hands in on an open socket. */
  tokenOf(client: object, token: unknown): Credentials | Denial {
    if (typeof token !== 'string' || !fitsHeader(token) || !/^(Bearer )?[\x21-\x7e]+$/.test(token)) return MALFORMED;
    return new CallCredentials({ authorization: withScheme(token) }, requestOf(client), {});
  }

  attach(context: ExecutionContext, identity: Identity, userLoader: UserLoader | undefined): void {
    attachIdentity(this.carrier(context), identity, userLoader);
    socketState(clientOf(context)).subject ??= subjectOf(identity);
  }

  /** With `disconnectOnExpiry`, the socket is closed once Nest has told the client why. */
  deny(context: ExecutionContext, denial: Denial): Error {
    const isExpired = attachedIdentity(this.carrier(context))?.reason?.includes('expired');
    if (this.options.webSocket.disconnectOnExpiry && denial.status === 401 && isExpired) {
      setImmediate(disconnect, clientOf(context), UNAUTHENTICATED, denial.code);
    }
    return this.exceptionFor(denial);
  }

  /** The error that says so to the client. */
  exceptionFor(denial: Denial): Error {
    return this.websockets.exception(bodyOf(denial));
  }

  denyWith(context: ExecutionContext, error: Error, denial: Denial): Error {
    this.deny(context, denial);
    // An exception of @nestjs/websockets is one that Nest can answer with already.
    if ('getError' in error) return error;
    const answer = asHttpException(error, denial).getResponse();
    const body = typeof answer === 'object' ? answer : { message: answer };
    return this.websockets.exception({ status: 'error', ...body });
  }
}

function clientOf(context: ExecutionContext): object {
  return context.switchToWs().getClient<object>();
}
