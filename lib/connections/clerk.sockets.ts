import { Inject, Injectable } from '@nestjs/common';
import { decodeJwt } from 'jose';

import { AUTHENTICATOR, type Authenticator } from '../authentication/lanes/authenticator.js';
import { tokenInHeader, type Credentials } from '../authentication/identity/credentials.js';
import { flatCopy } from '../authentication/cache/flat-copy.js';
import { identityForRoute, subjectOf, type Identity } from '../authentication/identity/identity.js';
import type { Denial } from '../errors/denial.js';
import { ClerkErrorCode } from '../errors/error-codes.js';
import { bodyOf } from '../errors/exceptions.js';
import { CLERK_OPTIONS, type ResolvedClerkOptions } from '../options/resolved-options.js';
import { decide } from '../policy/decide.js';
import type { RoutePolicy } from '../policy/route-policy.js';
import { disconnect, socketState, emitException } from '../transports/websocket/sockets.js';
import type { HttpRequestLike } from '../transports/http/http-request.js';
import { UNAUTHENTICATED, WebSocketTransport } from '../transports/websocket/websocket.transport.js';

/** RFC 6455's registry: the server cannot serve this now, try again later. */
const TRY_AGAIN_LATER = 1013;

/**
 * What a guard cannot do for sockets: refuse the connection itself, and take a fresh token on an open one.
 *
 * @example
 * constructor(private readonly sockets: ClerkSockets) {}
 *
 * handleConnection(client: WebSocket, request: IncomingMessage) {
 *   return this.sockets.connect(client, request);
 * }
 */
@Injectable()
export class ClerkSockets {
  constructor(
    @Inject(CLERK_OPTIONS) private readonly options: ResolvedClerkOptions,
    @Inject(AUTHENTICATOR) private readonly authenticator: Authenticator,
    @Inject(WebSocketTransport) private readonly transport: WebSocketTransport,
  ) {}

  /**
   * Belongs in `handleConnection()` of a gateway: remembers what the socket was opened with, and closes it where nobody is
   * signed in (`ws`: 4401, or 1013 while Clerk cannot be asked; socket.io: the event `exception`, then the disconnect).
   * Never rejects.
   *
   * Sockets of `ws` do not know their request; without this they present nothing, and only public messages of theirs
   * are handled. For socket.io, it adds the refusal.
   *
   * @param client The socket.
   * @param request The request that opened it, which Nest hands on for `ws`.
   * @param options `required: false` only remembers: each message is judged all the same.
   * @returns whether the socket stays open.
   */
  async connect(client: object, request?: object, { required = true }: { required?: boolean } = {}): Promise<boolean> {
    const kept = socketState(client);
    // At once: messages may follow before anything else is known.
    if (isRequest(request)) kept.request ??= request;
    if (!required) return true;
    const identity = await this.identify(this.transport.credentialsOf(client, {}));
    if (!('code' in identity)) {
      kept.subject ??= subjectOf(identity);
      return true;
    }
    emitException(client, bodyOf(identity));
    disconnect(client, identity.status === 503 ? TRY_AGAIN_LATER : UNAUTHENTICATED, identity.code);
    return false;
  }

  /**
   * Hands in a fresh token on an open socket, in place of what it was opened with. To be called in a handler of the
   * application's own, which is `@Public()`: whoever calls it may be one whose token has expired.
   *
   * @param token As the client got it from Clerk's `getToken()`.
   * @throws WsException with code `token-invalid`, `token-expired` or `origin-not-allowed` for a token that signs nobody in,
   * `user-changed` for a token of another user, `clerk-unavailable`. The socket then keeps the token it had.
   * @example
   * `@Public() @SubscribeMessage('refresh')`
   * async refresh(@ConnectedSocket() client: Socket, @MessageBody() token: string) {
   *   await this.sockets.refresh(client, token);
   *   return { event: 'refreshed' };
   * }
   */
  async refresh(client: object, token: string): Promise<void> {
    const kept = socketState(client);
    // Whose the socket is: of one that nobody has looked at yet, whom its handshake signs in, or would have.
    const owner = kept.subject ?? (await this.ownerOf(client));
    const fresh = await this.identify(this.transport.tokenOf(client, token));
    if ('code' in fresh) throw this.transport.exceptionFor(fresh);
    const subject = subjectOf(fresh);
    // Another refresh may have come first.
    if (subject === undefined || subject !== (kept.subject ?? owner ?? subject)) {
      throw this.transport.exceptionFor(USER_CHANGED);
    }
    kept.subject = subject;
    // A copy: the application may have cut it out of a long message.
    kept.token = flatCopy(token);
  }

  private async ownerOf(client: object): Promise<string | undefined> {
    const presented = this.transport.credentialsOf(client, {});
    if ('code' in presented) return undefined;
    const identity = await this.authenticator.authenticate(presented, 'any');
    if (identity.failure) throw this.transport.exceptionFor(UNAVAILABLE);
    return subjectOf(identity) ?? claimedSubject(tokenInHeader(presented.headers.authorization ?? null));
  }

  /** Who is signed in by this, or why nobody is. */
  private async identify(presented: Credentials | Denial): Promise<Identity | Denial> {
    if ('code' in presented) return presented;
    const allowsPendingSession = !this.options.treatPendingAsSignedOut;
    const policy: RoutePolicy = { ...ANY_SESSION, allowsPendingSession };
    const identity = identityForRoute(policy, await this.authenticator.authenticate(presented, policy.acceptsToken));
    const decision = decide(policy, identity);
    return decision.allowed ? identity : decision.denial;
  }
}

/** What a connection is held to: that somebody is signed in. What a message needs is its handler's to say. */
const ANY_SESSION: Omit<RoutePolicy, 'allowsPendingSession'> = {
  name: 'connection',
  protection: 'strict',
  acceptsToken: 'any',
  redirectsToSignIn: false,
  requirements: [],
  explainsDenials: false,
  // Stryker disable next-line ObjectLiteral,StringLiteral: nothing asks where this policy comes from.
  sources: { protection: 'default', acceptsToken: 'default' },
  problems: [],
};
const USER_CHANGED: Denial = {
  status: 403,
  code: ClerkErrorCode.UserChanged,
  message: 'The token belongs to somebody else than this socket. Open another.',
};
const UNAVAILABLE: Denial = {
  status: 503,
  code: ClerkErrorCode.ClerkUnavailable,
  message: 'Authentication is unavailable at the moment. Try again.',
};

/** Whom a token that signs nobody in any more speaks of. Unverified: it may only stand in somebody's way. */
function claimedSubject(token: string | undefined): string | undefined {
  try {
    // Stryker disable next-line StringLiteral: any text that is no token is as good.
    return decodeJwt(token ?? '').sub;
  } catch {
    return undefined;
  }
}

function isRequest(value: object | undefined): value is HttpRequestLike {
  return typeof (value as { headers?: unknown } | undefined)?.headers === 'object';
}
