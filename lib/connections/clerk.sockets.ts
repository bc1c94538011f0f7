import { Inject, Injectable } from '@nestjs/common';
import { decodeJwt } from 'jose/jwt/decode';

import { AUTHENTICATOR, type Authenticator } from '../authentication/lanes/authenticator.js';
import { tokenInHeader, type Credentials } from '../authentication/identity/credentials.js';
import { flatCopy } from '../authentication/cache/flat-copy.js';
import { identityForRoute, subjectOf, type Identity } from '../authentication/identity/identity.js';
import { Denied, type Outcome } from '../errors/denial.js';
import { authenticationUnavailable, USER_CHANGED } from '../errors/denials.js';
import { bodyOf } from '../errors/exceptions.js';
import { CLERK_OPTIONS, type ResolvedClerkOptions } from '../options/resolved-options.js';
import { authenticationDenial } from '../policy/authentication-denial.js';
import { disconnect, socketState, emitException } from '../transports/websocket/sockets.js';
import type { HttpRequestLike } from '../transports/http/http-request.js';
import { UNAUTHENTICATED, WebSocketTransport } from '../transports/websocket/websocket.transport.js';

/**
 * Close code 1013, "Try Again Later".
 * @see https://www.iana.org/assignments/websocket/websocket.xhtml#close-code-number
 */
const TRY_AGAIN_LATER = 1013;

/**
 * Authenticates WebSocket connections, and accepts fresh tokens on open sockets. Guards can do neither.
 *
 * @example
 * ```ts
 * constructor(private readonly sockets: ClerkSockets) {}
 *
 * handleConnection(client: WebSocket, request: IncomingMessage) {
 *   return this.sockets.connect(client, request);
 * }
 * ```
 */
@Injectable()
export class ClerkSockets {
  constructor(
    @Inject(CLERK_OPTIONS) private readonly options: ResolvedClerkOptions,
    @Inject(AUTHENTICATOR) private readonly authenticator: Authenticator,
    private readonly transport: WebSocketTransport,
  ) {}

  /**
   * Authenticates a connection. Call it in `handleConnection()` of a gateway. It stores the upgrade request, and closes
   * the socket if the caller is not signed in. Never rejects.
   *
   * - `ws`: closes with 4401, or with 1013 if Clerk is unreachable
   * - socket.io: emits the event `exception`, then disconnects
   *
   * A `ws` socket does not hold its upgrade request. Without this call its messages have no credentials, and only
   * `@Public()` handlers accept them. For socket.io, this call only adds the denial of the connection.
   *
   * @param client The socket.
   * @param request The upgrade request, which Nest passes on for `ws`.
   * @param options `required` (default `true`): set it to `false` to store the request without requiring
   * sign-in. Each message is still authorized.
   * @returns whether the socket stays open
   * @example
   * ```ts
   * handleConnection(client: WebSocket, request: IncomingMessage) {
   *   return this.sockets.connect(client, request, { required: false });
   * }
   * ```
   */
  async connect(client: object, request?: object, { required = true }: { required?: boolean } = {}): Promise<boolean> {
    const state = socketState(client);
    // Store it synchronously, because messages may arrive before authentication completes.
    if (isRequest(request)) state.request ??= request;
    if (!required) return true;
    const identity = await this.identify(this.transport.credentialsOf(client, {}));
    if (identity instanceof Denied) {
      const { denial } = identity;
      emitException(client, bodyOf(denial));
      disconnect(client, denial.status === 503 ? TRY_AGAIN_LATER : UNAUTHENTICATED, denial.code);
      return false;
    }
    state.subject ??= subjectOf(identity);
    return true;
  }

  /**
   * Replaces the token of an open socket with a fresh one. Call it in a `@Public()` handler, because the caller's
   * current token may have expired.
   *
   * @param client The socket.
   * @param token The token that the client got from Clerk's `getToken()`.
   * @throws WsException with the code `token-invalid`, `token-expired` or `origin-not-allowed` if the token does not
   * sign the caller in, `user-changed` if it belongs to another user, or `clerk-unavailable`. The socket then keeps its
   * previous token.
   * @example
   * ```ts
   * @Public()
   * @SubscribeMessage('refresh')
   * async refresh(@ConnectedSocket() client: Socket, @MessageBody() token: string) {
   *   await this.sockets.refresh(client, token);
   *   return { event: 'refreshed' };
   * }
   * ```
   */
  async refresh(client: object, token: string): Promise<void> {
    const state = socketState(client);
    // The owner of the socket. If it was never authenticated, the user of its handshake credentials, even expired ones.
    const owner = state.subject ?? (await this.ownerOf(client));
    const fresh = await this.identify(this.transport.tokenOf(client, token));
    if (fresh instanceof Denied) throw this.transport.exceptionFor(fresh.denial);
    const subject = subjectOf(fresh);
    // A concurrent refresh may have set the subject.
    if (subject === undefined || subject !== (state.subject ?? owner ?? subject)) {
      throw this.transport.exceptionFor(USER_CHANGED);
    }
    state.subject = subject;
    // Copy the token, because a substring keeps the whole message in memory.
    state.token = flatCopy(token);
  }

  private async ownerOf(client: object): Promise<string | undefined> {
    const presented = this.transport.credentialsOf(client, {});
    if (presented instanceof Denied) return undefined;
    const identity = await this.authenticator.authenticate(presented, 'any');
    if (identity.failure) throw this.transport.exceptionFor(authenticationUnavailable());
    return subjectOf(identity) ?? claimedSubject(tokenInHeader(presented.headers.authorization ?? null));
  }

  /** The identity behind the credentials, or the denial if the caller is not signed in. */
  private async identify(presented: Outcome<Credentials>): Promise<Outcome<Identity>> {
    if (presented instanceof Denied) return presented;
    const acceptsToken = 'any';
    const allowsPendingSession = !this.options.treatPendingAsSignedOut;
    const authenticated = await this.authenticator.authenticate(presented, acceptsToken);
    const identity = identityForRoute({ acceptsToken, allowsPendingSession }, authenticated);
    // Handlers check the requirements of each message.
    const denial = authenticationDenial(identity, acceptsToken);
    return denial ? new Denied(denial) : identity;
  }
}

/** The subject of a token that no longer signs its user in. Unverified: use it only to deny, never to allow. */
function claimedSubject(token: string | undefined): string | undefined {
  try {
    return decodeJwt(token ?? '').sub;
  } catch {
    return undefined;
  }
}

function isRequest(value: object | undefined): value is HttpRequestLike {
  return typeof (value as { headers?: unknown } | undefined)?.headers === 'object';
}
