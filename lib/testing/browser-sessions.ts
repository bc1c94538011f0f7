import { createHash } from 'node:crypto';

import { ApiError, notFound } from './api-error.js';
import { randomText } from './ids.js';
import type { StoredSession } from './resources.js';
import type { SigningKeys } from './signing-keys.js';
import type { Store } from './store.js';
import type { SessionTokenOptions } from './token-options.js';
import type { TokenIssuer } from './token-issuer.js';

/** How the Frontend API hands a browser's session over to an application: by a nonce, or inside a signed token. */
export interface Handshake {
  /** Value of the query parameter or cookie `__clerk_handshake_nonce`. Good for one use. */
  readonly nonce: string;
  /** Value of the query parameter or cookie `__clerk_handshake`. */
  readonly token: string;
}

/** What Clerk keeps in browsers: cookies, refresh tokens and handshakes. */
export class BrowserSessions {
  private readonly suffix: string;
  private readonly nonces = new Map<string, readonly string[]>();
  private readonly refreshTokens = new Map<string, string>();

  constructor(
    private readonly store: Store,
    private readonly tokens: TokenIssuer,
    private readonly keys: SigningKeys,
    publishableKey: string,
  ) {
    this.suffix = createHash('sha1').update(publishableKey).digest('base64url').slice(0, 8);
  }

  /** The Cookie header of a browser in which a session is signed in. */
  cookieHeader(token: SessionTokenOptions = {}): string {
    return Object.entries(this.cookies(this.sessionOf(token), token))
      .map((pair) => pair.join('='))
      .join('; ');
  }

  /** A handshake that signs a session in, or out where there is none. */
  handshake(token: SessionTokenOptions | null = {}): Handshake {
    const cookies = token
      ? this.cookies(this.sessionOf(token), token)
      : { ...this.bothNames('__session', ''), ...this.bothNames('__client_uat', '0') };
    const directives = toDirectives(cookies);
    const nonce = randomText(32);
    this.nonces.set(nonce, directives);
    return { nonce, token: this.keys.sign({ claims: { handshake: directives } }) };
  }

  /** What a nonce stands for; it is spent by this. */
  spend(nonce: string): { directives: readonly string[] } {
    const directives = this.nonces.get(nonce);
    if (!directives) throw notFound('The handshake payload');
    this.nonces.delete(nonce);
    return { directives };
  }

  /** New cookies for an expired session token. */
  refresh(sessionId: string, refreshToken: string): object {
    const session = this.store.sessions.get(sessionId);
    if (!session || this.refreshTokens.get(refreshToken) !== sessionId) {
      throw new ApiError(401, 'invalid_refresh_token', 'The refresh token does not belong to the session');
    }
    if (session.status !== 'active') throw new ApiError(401, 'session_not_active', 'The session is not active');
    return { object: 'cookies', cookies: toDirectives(this.cookies(session, {})) };
  }

  clear(): void {
    this.nonces.clear();
    this.refreshTokens.clear();
  }

  /** The cookies of a browser, under plain and suffixed names. */
  private cookies(session: StoredSession, token: SessionTokenOptions): Record<string, string> {
    const refreshToken = randomText(40);
    this.refreshTokens.set(refreshToken, session.id);
    // The browser signed in no later than its token was issued, though tests date tokens back.
    const { issuedAt = new Date() } = token;
    const issued = typeof issuedAt === 'number' ? issuedAt : issuedAt.getTime() / 1000;
    const updated = Math.floor(Math.min(session.created_at / 1000, issued));
    return {
      ...this.bothNames('__session', this.tokens.sessionToken({ ...token, session })),
      ...this.bothNames('__client_uat', String(updated)),
      ...this.bothNames('__clerk_db_jwt', 'dvb_local'),
      [`__refresh_${this.suffix}`]: refreshToken,
    };
  }

  private sessionOf({ session, user, organization, sessionStatus }: SessionTokenOptions): StoredSession {
    if (session !== undefined) return this.store.session(session);
    return this.store.createSession({ user: user ?? this.store.createUser(), organization, status: sessionStatus });
  }

  private bothNames(name: string, value: string): Record<string, string> {
    return { [name]: value, [`${name}_${this.suffix}`]: value };
  }
}

/** Cookies as `Set-Cookie` lines. */
function toDirectives(cookies: Readonly<Record<string, string>>): string[] {
  return Object.entries(cookies).map(([name, value]) =>
    [`${name}=${value}`, 'Path=/', 'SameSite=Lax', ...(value === '' ? ['Max-Age=0'] : [])].join('; '),
  );
}
