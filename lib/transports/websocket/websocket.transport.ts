import type { ArgumentsHost, ExecutionContext } from '@nestjs/common';

import type { Credentials } from '../../authentication/identity/credentials.js';
import { subjectOf } from '../../authentication/identity/identity.js';
import { Denied, type Denial, type Outcome } from '../../errors/denial.js';
import { MALFORMED_TOKEN } from '../../errors/denials.js';
import { asHttpException, bodyOf } from '../../errors/exceptions.js';
import type { ResolvedClerkOptions } from '../../options/resolved-options.js';
import { attachedIdentity } from '../attachment.js';
import { CallCredentials, fitsHeader } from '../call.credentials.js';
import { beginCall } from '../calls.js';
import { disconnect, socketState, credentialHeaders, requestOf, withScheme } from './sockets.js';
import { areHeadersText } from '../http/web-request.js';
import type { Attachment, Transport } from '../transport.js';
import type { WebSocketPackage } from './websocket.package.js';

/** The close code of a signed-out socket. Codes 4000 to 4999 are for applications. */
export const UNAUTHENTICATED = 4401;

/** Messages of gateways, over socket.io or `ws`. Credentials are never read from a message. */
export class WebSocketTransport implements Transport {
  readonly isForeign = false;
  constructor(
    private readonly options: Pick<ResolvedClerkOptions, 'webSocket'>,
    private readonly websockets: WebSocketPackage,
  ) {}

  carrier(context: ExecutionContext): object {
    // Nest expects the pattern as the last argument.
    const place = (length: number) => Math.max(2, length - 1);
    return beginCall(context.getArgs<unknown[]>(), { source: requestOf(clientOf(context)), place });
  }

  credentials(context: ExecutionContext): Outcome<Credentials> {
    return this.credentialsOf(clientOf(context), this.carrier(context));
  }

  /** The current credentials of the socket, for one message or for the connection itself. */
  credentialsOf(client: object, carrier: object): Outcome<Credentials> {
    try {
      const headers = credentialHeaders(client, this.options.webSocket);
      const { authorization = '' } = headers;
      // `auth.token` and query parameters, unlike headers, were not validated by a parser.
      const isHeader =
        areHeadersText(headers) && fitsHeader(authorization) && !/[^\t\x20-\x7e\x80-\xff]/.test(authorization);
      return isHeader ? new CallCredentials(headers, requestOf(client), carrier) : new Denied(MALFORMED_TOKEN);
    } catch {
      return new Denied(MALFORMED_TOKEN);
    }
  }

  /** The credentials of a token that a client sends on an open socket. */
  tokenOf(client: object, token: unknown): Outcome<Credentials> {
    if (typeof token !== 'string' || !fitsHeader(token) || !/^(Bearer )?[\x21-\x7e]+$/.test(token))
      return new Denied(MALFORMED_TOKEN);
    return new CallCredentials({ authorization: withScheme(token) }, requestOf(client), {});
  }

  attach(context: ExecutionContext, { identity }: Attachment): void {
    socketState(clientOf(context)).subject ??= subjectOf(identity);
  }

  /** With `disconnectOnExpiry`, closes the socket after Nest has sent the error. */
  deny(context: ExecutionContext, denial: Denial): Error {
    const isExpired = attachedIdentity(this.carrier(context))?.reason?.includes('expired');
    if (this.options.webSocket.disconnectOnExpiry && denial.status === 401 && isExpired) {
      setImmediate(disconnect, clientOf(context), UNAUTHENTICATED, denial.code);
    }
    return this.exceptionFor(denial);
  }

  /** The exception that sends a denial to the client. */
  exceptionFor(denial: Denial): Error {
    return this.websockets.exception(bodyOf(denial));
  }

  answer(host: ArgumentsHost, denial: Denial): void {
    this.websockets.answer(bodyOf(denial), host);
  }

  denyWith(context: ExecutionContext, error: Error, denial: Denial): Error {
    this.deny(context, denial);
    // Nest can send exceptions of @nestjs/websockets as they are.
    if ('getError' in error) return error;
    const response = asHttpException(error, denial).getResponse();
    const body = typeof response === 'object' ? response : { message: response };
    return this.websockets.exception({ status: 'error', ...body });
  }
}

/** The socket that a message came over. */
export function clientOf(context: ArgumentsHost): object {
  return context.switchToWs().getClient<object>();
}
